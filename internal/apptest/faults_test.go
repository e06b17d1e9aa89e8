package apptest

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"sync"
)

// errFault is the error of a failing call of the store.
var errFault = errors.New("the database went away")

// A fault is how a call fails.
type fault int

const (
	refused    fault = iota // nothing was done
	answerLost              // it was done, but the answer was lost
	gone                    // nothing was done, and all later calls fail too
)

// Faults makes one call of the store fail: the n-th after arm.
type Faults struct {
	mu    sync.Mutex
	left  int // calls until it fails; 0: not armed
	how   fault
	down  bool
	calls int
	wrote string // the statement that failed first, if it writes
}

// arm makes the n-th call from now on fail.
func (f *Faults) arm(n int, how fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.how, f.down, f.calls, f.wrote = n, how, false, 0, ""
}

// disarm ends the fault and reports whether it has occurred.
func (f *Faults) disarm() (happened bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	happened = f.left == 0
	f.left, f.down = 0, false
	return happened
}

// lost returns the write that failed, or "".
func (f *Faults) lost() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrote
}

// writes reports whether a statement writes.
func writes(statement string) bool {
	words := append(strings.Fields(statement), "")
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE", commits}, words[0])
}

// commits is the statement that a commit counts as.
const commits = "COMMIT"

// before is called before a call is made. It returns an error, and whether the call is made all the
// same. A call that holds something open is never made then.
func (f *Faults) before(statement string) (err error, do bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return errFault, false
	}
	if f.left == 0 {
		return nil, true
	}
	if f.left--; f.left > 0 {
		return nil, true
	}
	f.down = f.how == gone
	if writes(statement) {
		f.wrote = statement
	}
	return errFault, f.how == answerLost
}

// call makes one call, unless it is the one that fails. holds means that the caller must close its
// answer.
func call[T any](f *Faults, statement string, holds bool, do func() (T, error)) (T, error) {
	var none T
	fails, may := f.before(statement)
	if !may || holds && fails != nil {
		return none, fails
	}
	answer, err := do()
	if fails != nil {
		return none, fails
	}
	return answer, err
}

// Through is the option of the store that adds the faults.
func (f *Faults) Through(c driver.Connector) driver.Connector { return faultyConnector{c, f} }

type faultyConnector struct {
	driver.Connector
	faults *Faults
}

func (c faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return faultyConn{conn, c.faults}, nil
}

// A faultyConn is one connection of either engine.
type faultyConn struct {
	driver.Conn
	faults *Faults
}

func (c faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := call(c.faults, "", true, func() (driver.Tx, error) { return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o) })
	if err != nil {
		return nil, err
	}
	return faultyTx{tx, c.faults}, nil
}

func (c faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return call(c.faults, query, false, func() (driver.Result, error) { return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args) })
}

func (c faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return call(c.faults, query, true, func() (driver.Rows, error) { return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args) })
}

func (c faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c faultyConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type faultyTx struct {
	driver.Tx
	faults *Faults
}

func (t faultyTx) Commit() error {
	_, err := call(t.faults, commits, false, func() (struct{}, error) { return struct{}{}, t.Tx.Commit() })
	if err != nil {
		_ = t.Tx.Rollback() // as a lost connection does by itself; after a commit it does nothing
	}
	return err
}
