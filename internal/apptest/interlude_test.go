package apptest

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"
)

// An Interlude lets something happen elsewhere between two transactions of a
// request: before the first one that begins after a statement was carried out.
type Interlude struct {
	mu    sync.Mutex
	after string
	do    func() // nil: nothing is to happen any more
	due   bool
}

// Once lets do happen once, after the next statement that holds these words. It
// has to go by another node: the request holds a connection of its own.
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

// Through is the option of the store that lets it happen.
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
