package main

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// maxConnections is the number of client connections that a server holds. An idle one costs about
// 20 KiB.
const maxConnections = 4096

// connections limits the connections of a server. Beyond the limit, the one that has been idle
// longest is closed for a new one. If all others are busy, as when requests are sent byte by byte,
// the oldest connection of the network that holds the most is closed for one of another network, so
// that no client can keep others out by holding many (WB-06). The zero value allows none.
type connections struct {
	most int

	mu   sync.Mutex
	all  map[net.Conn]*connection
	rest list.List // those without a request, longest idle first
	came uint64    // number of connections so far
}

// A connection is the state of one connection.
type connection struct {
	rest    *list.Element // nil: busy
	network netip.Prefix  // of the client, or of the proxy in front
	number  uint64        // in order of arrival
}

// changed records each state change of a connection. It is the ConnState of a server.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if over := c.note(conn, state); over != nil {
		_ = over.Close() // its client connects again
	}
}

// note records the state and returns a connection to close, if there are too many.
func (c *connections) note(conn net.Conn, state http.ConnState) (over net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[net.Conn]*connection{}
	}
	one := c.all[conn]
	if one == nil {
		c.came++
		one = &connection{network: networkOf(conn), number: c.came}
	} else if one.rest != nil {
		c.rest.Remove(one.rest)
	}
	one.rest = nil
	switch state {
	case http.StateNew, http.StateIdle:
		one.rest = c.rest.PushBack(conn)
		c.all[conn] = one
	case http.StateActive:
		c.all[conn] = one
	default:
		delete(c.all, conn)
	}
	if len(c.all) <= c.most || state != http.StateNew {
		return nil
	}
	first := c.rest.Front() // at least the new one
	over, _ = first.Value.(net.Conn)
	if over == conn {
		if other := c.oldestOfLargest(one.network); other != nil {
			delete(c.all, other) // busy, so it is not in rest
			return other
		}
	}
	c.rest.Remove(first)
	delete(c.all, over)
	return over
}

// oldestOfLargest returns the oldest connection of the network that holds the most, or nil if no
// network holds more than but does.
func (c *connections) oldestOfLargest(but netip.Prefix) (oldest net.Conn) {
	held := map[netip.Prefix]int{}
	for _, one := range c.all {
		held[one.network]++
	}
	largest := but
	for network, n := range held {
		if n > held[largest] {
			largest = network
		}
	}
	if largest == but {
		return nil
	}
	for conn, one := range c.all {
		if one.network == largest && (oldest == nil || one.number < c.all[oldest].number) {
			oldest = conn
		}
	}
	return oldest
}

// networkOf returns the client's IPv4 address or IPv6 /64.
func networkOf(conn net.Conn) netip.Prefix {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := from.Addr().Unmap().WithZone(""), 64
	if ip.Is4() {
		bits = 32
	}
	network, _ := ip.Prefix(bits) // the number of bits fits
	return network
}
