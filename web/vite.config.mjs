// The build: one script, one style sheet, one map, always under the same names, so that the program can hold them by name
// (src/server/dashboard.c) and `pqr report` can put them into one file. The same sources give the same bytes.
import { defineConfig, runnerImport } from 'vite'

// What the executive page asks for, for `pqr report`: the page's own list, with the dates left open; and what every figure means, for the API.
const derived = {
  name: 'pqr-derived',
  apply: 'build',
  async generateBundle() {
    const { module } = await runnerImport('./src/figures.ts', { configFile: false, logLevel: 'error' })
    this.emitFile({ type: 'asset', fileName: 'report.txt', source: module.reportRequests().join('\n') + '\n' })
    this.emitFile({ type: 'asset', fileName: 'definitions.json', source: JSON.stringify(module.definitions(), null, 1) + '\n' })
  },
}

export default defineConfig({
  plugins: [derived],
  build: {
    target: 'es2022',
    modulePreload: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      output: { entryFileNames: 'app.js', assetFileNames: (asset) => (asset.names[0]?.endsWith('.css') ? 'app.css' : '[name][extname]'), codeSplitting: false },
    },
  },
  server: { proxy: { '/api': process.env.PQR_API ?? 'http://127.0.0.1:8080' } },
})
