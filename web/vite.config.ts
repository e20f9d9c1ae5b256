// The page itself. The embedded element is built by vite.embed.ts into the same dist.
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: Object.fromEntries(['/v1', '/login', '/logout', '/broadcasting', '/openapi.json'].map((p) => [p, 'http://127.0.0.1:8080'])) },
})
