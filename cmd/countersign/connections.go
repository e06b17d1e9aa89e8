package main

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// mostConnections is how many connections of clients a server holds. One that is
// idle costs some 20 KiB.
const mostConnections = 4096

// Connections bounds the connections of a server. Beyond the most, the one that
// has been waiting longest without a request is closed for a new one, so that
// nobody keeps others out by holding many (WB-06). The zero value holds none.
type connections struct {
	most int

	mu   sync.Mutex
	all  map[net.Conn]*list.Element // those at work have a nil element
	rest list.List                  // those without a request, the longest first
}

// changed is told of every connection that comes, works, rests and goes; it is
// the ConnState of a server.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if over := c.note(conn, state); over != nil {
		_ = over.Close() // its client connects again
	}
}

// note returns a connection that is too many.
func (c *connections) note(conn net.Conn, state http.ConnState) (over net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[net.Conn]*list.Element{}
	}
	if e := c.all[conn]; e != nil {
		c.rest.Remove(e)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.all[conn] = c.rest.PushBack(conn)
	case http.StateActive:
		c.all[conn] = nil
	default:
		delete(c.all, conn)
	}
	if len(c.all) <= c.most || state != http.StateNew {
		return nil
	}
	first := c.rest.Front() // at least the new one
	over, _ = first.Value.(net.Conn)
	c.rest.Remove(first)
	delete(c.all, over)
	return over
}
