package socket

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

// subprotocol is the only one that is spoken here.
const subprotocol = "graphql-transport-ws"

// The kernel's send buffer. A fixed one keeps a stalled reader from growing it to megabytes, and leaves room to raise it once more when
// the connection ends: then the message that is stuck and the close code fit, and the reader finds them whenever it reads on.
const (
	sendBuffer = 64 << 10
	lastBuffer = 1 << 20
)

// mayConnect leaves it to the websocket package to compare hosts when no rule is given.
func (t *Transport) mayConnect(r *http.Request) bool {
	origins := len(r.Header.Values("Origin"))
	return origins == 0 || origins == 1 && (t.cfg.Origins == nil || t.cfg.Origins(r))
}

// upgrade answers the handshake. It takes up whatever subprotocol is offered, since browsers hide from a page why a handshake failed;
// one that is not ours is then closed with 4406, which they do show.
func (t *Transport) upgrade(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) (*conn, error) {
	taken := &hijacker{ResponseWriter: w}
	if canHijack(w) {
		w = taken
	}
	c := newConn(t, r, exec)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       append([]string{subprotocol}, offered(r)...),
		InsecureSkipVerify: t.cfg.Origins != nil, // mayConnect has verified
		OnPingReceived:     c.pinged,
		OnPongReceived:     c.ponged,
	})
	if err != nil {
		c.cancel()
		return nil, err
	}
	ws.SetReadLimit(t.cfg.MaxMessage)
	c.ws, c.raw = ws, taken.conn
	if tcp := tcpOf(c.raw); tcp != nil {
		_ = tcp.SetWriteBuffer(sendBuffer) // else the kernel's own size will do
	}
	return c, nil
}

func offered(r *http.Request) []string {
	names := strings.Split(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

// hijacker keeps the connection that the websocket package takes over: closing that is the one thing that no lock of the package delays.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

// buffer is what most messages fit into, in either direction. The HTTP server's own buffers are four times as large, and kept for as long as
// the connection lives.
const buffer = 1 << 10

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = conn
	if rw.Reader.Buffered() == 0 { // else it holds what the client has sent early
		rw.Reader = bufio.NewReaderSize(conn, buffer)
	}
	rw.Writer = bufio.NewWriterSize(conn, buffer)
	return conn, rw, nil
}

func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// tcpOf is the TCP connection under c, or nil.
func tcpOf(c net.Conn) *net.TCPConn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = outer.NetConn()
	}
	tcp, _ := c.(*net.TCPConn)
	return tcp
}

// refuse answers a request that stays HTTP.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	body := map[string]gqlerror.List{"errors": {problem(code, message)}}
	_ = json.NewEncoder(w).Encode(body) // it fails when the client is gone
}
