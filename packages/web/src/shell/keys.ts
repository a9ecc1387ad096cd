/** Keys that work on every page: `g` and a letter goes somewhere, `/` to the box, `?` shows them, `t` changes the theme. */
import { useEffect } from "react";
import { navigate } from "./router.tsx";
import { ROUTES } from "./routes.ts";
import { currentTheme, setTheme } from "./theme.ts";

/** Time between the two keys (ms). */
const CHORD_MS = 1200;

/** Whether keys belong to what has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

export function useKeys(toggleHelp: () => void): void {
  useEffect(() => {
    let chordUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (Date.now() < chordUntil) {
        chordUntil = 0;
        const route = ROUTES.find(({ nav }) => nav?.key === event.key);
        if (route === undefined) return;
        event.preventDefault();
        navigate(route.path);
        return;
      }
      if (event.key === "g") chordUntil = Date.now() + CHORD_MS;
      else if (event.key === "t") setTheme(currentTheme() === "dark" ? "light" : "dark");
      else if (event.key === "?") toggleHelp();
      else if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLInputElement>("#ask")?.focus();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [toggleHelp]);
}
