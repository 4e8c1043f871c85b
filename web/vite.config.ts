// Builds the page into the folder that is embedded in the `api` binary. The build is reproducible, so that
// scripts/lib/page.sh can compare it.
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
    // Polyfills are only needed by browsers that the page does not support.
    modulePreload: { polyfill: false },
  },
  // `npm run dev` with a running platform.
  server: { proxy: { "^/(bulk-actions|entities|session|uploads|$)": "http://127.0.0.1:3000" } },
  test: { include: ["src/**/*.test.ts"] },
});
