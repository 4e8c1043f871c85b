// Builds the page into the folder that the `api` binary holds. The same sources give the same bytes, so scripts/lib/page.sh can
// compare them.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/app/",
  plugins: [react()],
  build: {
    outDir: process.env["PAGE_OUT"] ?? "../crates/api/page",
    emptyOutDir: true,
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    target: "es2022",
    // Polyfills for browsers older than those that the page is for.
    modulePreload: { polyfill: false },
  },
  // `npm run dev` beside a running platform.
  server: { proxy: { "^/(bulk-actions|entities|session|uploads|$)": "http://127.0.0.1:3000" } },
  test: { include: ["src/**/*.test.ts"] },
});
