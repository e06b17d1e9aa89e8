package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"countersign"
)

// reach turns an error of a database that cannot be reached, or cannot take more
// just now, into one of kind Busy: people are told to come back, and nothing is
// granted meanwhile (V33). Every other error stays as it is.
func reach(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || countersign.CodeOf(err) != "" || !away(err) {
		return err
	}
	return &countersign.Error{Kind: countersign.Busy, Code: "busy", Err: err}
}

// away tells whether an error is of the way to the database or of its load.
func away(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection exceptions, insufficient resources, operator intervention.
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P")
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		const busy, ioError, cantOpen, full = 5, 10, 14, 13
		switch lite.Code() & 0xff {
		case busy, ioError, cantOpen, full:
			return true
		}
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}
