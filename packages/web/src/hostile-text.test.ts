import { describe, expect, it } from "vitest";
import { defanged, pieces, plain } from "./hostile-text.ts";

describe("a string of a sample", () => {
  it("names what would not be seen for what it is", () => {
    expect(plain("a\u0000b\u001b[31m\r\n\u202egpj.exe\u200b\ufeff")).toBe(
      "a⟨NUL⟩b⟨ESC⟩[31m⟨CR⟩⟨LF⟩⟨RLO⟩gpj.exe⟨ZWSP⟩⟨BOM⟩",
    );
    expect(plain("\ud800 \u{e0041}\u00a0\ue000")).toBe("⟨U+D800⟩ ⟨U+E0041⟩⟨NBSP⟩⟨U+E000⟩");
  });

  it("keeps what people write", () => {
    expect(pieces("Привет, 世界 <b>")).toEqual([{ text: "Привет, 世界 <b>", odd: false }]);
  });

  it("is cut where a label would be too long", () => {
    expect(plain("a".repeat(10), 4)).toBe("aaaa…");
  });

  it("holds no live address", () => {
    expect(defanged("http://198.51.100.7/x")).toBe("hxxp://198.51.100[.]7/x");
  });
});
