// Before the first paint: the theme that was chosen here, or the system's.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("assay.theme");
  } catch {
    // Storage may be closed to us.
  }
  if (theme !== "dark" && theme !== "light")
    theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
})();
