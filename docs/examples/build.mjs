// Makes dist/*.js of the examples. Relay's tags are for Babel, as everywhere where Relay is used.
import { transformFileAsync } from '@babel/core';
import { build } from 'esbuild';

const relay = {
  name: 'relay',
  setup: (b) =>
    b.onLoad({ filter: /\brelay\.ts$/ }, async ({ path }) => {
      const made = await transformFileAsync(path, {
        plugins: [['relay', { eagerEsModules: true }]],
        parserOpts: { plugins: ['typescript'] },
      });
      return { contents: made.code, loader: 'ts' };
    }),
};

await build({
  entryPoints: ['graphql-ws.ts', 'graphql-sse.ts', 'apollo.ts', 'urql.ts', 'relay.ts'],
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'browser', // they run in Node too
  mainFields: ['module', 'main'],
  external: ['ws'], // for Node before 22
  plugins: [relay],
});
