// <rollcall-presence>: one classic script that any page can load.
import { defineConfig } from 'vite'

export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2022', outDir: 'dist/embed', emptyOutDir: false, reportCompressedSize: false,
    lib: { entry: 'src/embed.ts', formats: ['iife'], name: 'rollcallPresence', fileName: () => 'rollcall-presence.js' },
  },
})
