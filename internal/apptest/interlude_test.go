package apptest

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"
)

// An Interlude runs a function between two transactions of a request: before the first one that
// begins after a given statement.
type Interlude struct {
	mu    sync.Mutex
	after string
	do    func() // nil: nothing is to run any more
	due   bool
}

// Once runs do once, after the next statement that contains these words. do must use another node,
// because the request holds a connection of its own.
func (i *Interlude) Once(after string, do func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.after, i.do, i.due = after, do, false
}

func (i *Interlude) carriedOut(query string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.due = i.due || i.do != nil && strings.Contains(query, i.after)
}

func (i *Interlude) begins() {
	i.mu.Lock()
	do := i.do
	if !i.due {
		do = nil
	} else {
		i.do, i.due = nil, false
	}
	i.mu.Unlock()
	if do != nil {
		do()
	}
}

// Through is the option of the store that adds the interlude.
func (i *Interlude) Through(c driver.Connector) driver.Connector {
	return interludeConnector{faultyConnector{c, &Faults{}}, i}
}

type interludeConnector struct {
	faultyConnector
	interlude *Interlude
}

func (c interludeConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.faultyConnector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return interludeConn{conn.(faultyConn), c.interlude}, nil
}

type interludeConn struct {
	faultyConn
	interlude *Interlude
}

func (c interludeConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.interlude.begins()
	return c.faultyConn.BeginTx(ctx, o)
}

func (c interludeConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.faultyConn.ExecContext(ctx, query, args)
	if err == nil {
		c.interlude.carriedOut(query)
	}
	return result, err
}
