import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where `npm run dev` finds the API: `assay serve` on its usual port. */
const SERVER = "http://127.0.0.1:8571";
const ROUTES = ["/api", "/taxii2", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"];

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react()],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    // The pages' policy allows what this server gives, nothing that stands in the page itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  server: { proxy: Object.fromEntries(ROUTES.map((path) => [path, SERVER])) },
});
