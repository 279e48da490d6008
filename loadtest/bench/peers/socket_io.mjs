// Node's `socket.io`: io.emit, WebSocket transport only.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], pingInterval: 3600000, pingTimeout: 3600000, serveClient: false });
io.on('connection', (socket) => socket.on('pub', (data) => io.emit('post', data)));
http.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
