/** Dark or light; the choice is kept, and made before the first paint by public/theme.js. */
import { useSyncExternalStore } from "react";

export type Theme = "dark" | "light";
const KEY = "assay.theme";
const CHANGED = "assay:theme";

export function currentTheme(): Theme {
  return document.documentElement.dataset.theme === "light" ? "light" : "dark";
}

export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be closed to us: then it holds for this page.
  }
  window.dispatchEvent(new Event(CHANGED));
}

/** For what is drawn on a canvas and must be drawn again. */
export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    window.addEventListener(CHANGED, listener);
    return () => window.removeEventListener(CHANGED, listener);
  }, currentTheme);
}

/** A colour of tokens.css, as a canvas takes it. */
export function token(name: `--${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
