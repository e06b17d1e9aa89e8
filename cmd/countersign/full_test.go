package main

import (
	"context"
	"os"

	"modernc.org/sqlite"
)

// fullDisk gives SQLite no further pages once a script sets FULL_DISK. SQLite reports that like a
// full disk.
func fullDisk() {
	if os.Getenv("FULL_DISK") == "" {
		return
	}
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
		_, err := c.ExecContext(context.Background(), "PRAGMA max_page_count = 1", nil) // the limit is never below the current number
		return err
	})
}
