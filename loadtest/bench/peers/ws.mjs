// Node's `ws`: its README's broadcast loop.
import { WebSocketServer, WebSocket } from 'ws';

const readers = new Set();
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false, backlog: 4096 });
server.on('connection', (socket, request) => {
  if (request.url === '/pub') {
    socket.on('message', (data) => {
      for (const reader of readers) if (reader.readyState === WebSocket.OPEN) reader.send(data, { binary: true });
    });
    return;
  }
  readers.add(socket);
  socket.on('close', () => readers.delete(socket));
});
