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

// connect turns an error of a database that cannot be reached, or cannot take more
// just now, into one of kind Busy: people are told to come back, and nothing is
// granted meanwhile (V33). Every other error stays as it is.
func connect(ctx context.Context, err error) error {
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

// plainError says what an operator can do about it, for logs and commands.
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

// isFull reports whether err is of a disk that is full.
func isFull(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	return errors.As(err, &lite) && lite.Code()&0xff == liteFull || errors.As(err, &pg) && pg.Code == pgDiskFull
}

// Codes of the engines.
const (
	liteBusy, liteIOError, liteFull, liteCantOpen, liteProtocol = 5, 10, 13, 14, 15 // protocol: the lock of the index never got free

	pgReadOnly, pgDiskFull = "25006", "53100"
)

// asUnavailable tells whether an error is of the way to the database or of its load.
func asUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection exceptions, insufficient resources, operator intervention, the
		// time limits of begin, and a server that only reads: another one took over.
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
