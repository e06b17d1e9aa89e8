package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"countersign"
)

// markUnavailable turns the error of a database that is unreachable or overloaded into one of
// KindUnavailable, so that people are asked to try again. Nothing is granted. Other errors
// stay unchanged.
func markUnavailable(ctx context.Context, err error) error {
	if err == nil || countersign.CodeOf(err) != "" {
		return err
	}
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case ctx.Err() == nil && asUnavailable(err):
		return &countersign.Error{Kind: countersign.KindUnavailable, Code: "busy", Err: plainError(err)}
	case late:
		return &countersign.Error{Kind: countersign.KindUnavailable, Code: "late", Err: plainError(err)}
	default:
		return err
	}
}

// plainError adds what an operator can do about the error, for logs and commands.
func plainError(err error) error {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case isFull(err):
		return fmt.Errorf("the disk of the database is full; free some space on it: %w", err)
	case errors.As(err, &lite) && (lite.Code()&0xff == liteBusy || lite.Code() == liteProtocol):
		return fmt.Errorf("another program has locked the database file; end what uses it besides countersign, or wait for it: %w", err)
	case errors.As(err, &pg) && pg.Code == pgReadOnly:
		return fmt.Errorf("the database server only reads, as a standby does; name the server that writes: %w", err)
	default:
		return err
	}
}

// isFull reports whether err comes from a full disk.
func isFull(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	return errors.As(err, &lite) && lite.Code()&0xff == liteFull || errors.As(err, &pg) && pg.Code == pgDiskFull
}

// Error codes of the engines.
const (
	liteBusy, liteIOError, liteFull, liteCantOpen, liteProtocol = 5, 10, 13, 14, 15 // protocol: the lock of the WAL index stayed busy

	pgReadOnly, pgDiskFull = "25006", "53100"
)

// asUnavailable reports whether an error comes from the connection to the database or from its
// load.
func asUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection exceptions, insufficient resources, operator intervention, the timeouts
		// that begin sets, and a server that became read-only after a failover.
		const idle, canceled, locked = "25P03", "57014", "55P03"
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P") ||
			slices.Contains([]string{idle, pgReadOnly, canceled, locked}, pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case liteBusy, liteIOError, liteCantOpen, liteFull, liteProtocol:
			return true
		}
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}
