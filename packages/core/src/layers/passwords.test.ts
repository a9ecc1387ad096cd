import { describe, expect, it } from "vitest";
import { passwordCandidates } from "./passwords.ts";

const after = (name: string | undefined, text?: string): readonly string[] =>
  passwordCandidates([], name, text).slice(5);

describe("passwords of an archive", () => {
  it("are the given ones first, then the field's, each once", () => {
    expect(passwordCandidates(["s3cret", "infected", ""], undefined).slice(0, 6)).toEqual([
      "s3cret",
      "infected",
      "malware",
      "virus",
      "password",
      "infected666",
    ]);
  });

  it.each([
    ["The password is 4711.", "4711"],
    ["Password: Invoice-2024", "Invoice-2024"],
    ["Passwort = abc!", "abc!"],
    ['archive pass "x y"', "x"],
    ["Пароль - 9981", "9981"],
    ["Mot de passe : été", "été"],
    ["password for the archive: qwerty", "qwerty"],
    ["PW:\r\n  hidden", "hidden"],
  ])("are told by a mail: %s", (text, word) => {
    expect(after(undefined, text)).toContain(word);
  });

  it("are not taken from words that only contain the name", () => {
    expect(after(undefined, "a passage: through")).not.toContain("through");
  });

  it.each([
    ["Setup_pass_1234.zip", "1234"],
    ["Full Installer (Password-2025).rar", "2025"],
    ["2024-01-15-RedLine-malware.zip", "infected_20240115"],
    ["sampleA.zip", "infected666A"],
    ["report_7788.7z", "7788"],
    ["acme.zip", "acme"],
  ])("hide in the file name: %s", (name, word) => {
    expect(after(name)).toContain(word);
  });

  it("stay few and quick, whatever the text", () => {
    const begin = performance.now();
    const many = passwordCandidates([], "a_b_c ".repeat(10_000), "password ".repeat(200_000));
    expect(many.length).toBeLessThanOrEqual(24);
    passwordCandidates([], "pass(".repeat(50_000), `pass${" ".repeat(500_000)}`);
    expect(performance.now() - begin).toBeLessThan(1000);
  });
});
