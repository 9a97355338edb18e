// Where the service is and who asks: MASKLINE_URL=https://calls.example.com MASKLINE_TOKEN=… node dist/graphql-ws.js
export const url = (process.env.MASKLINE_URL ?? 'http://127.0.0.1:8080') + '/graphql';
export const headers = { authorization: `Bearer ${process.env.MASKLINE_TOKEN}` };
