package main

import (
	"context"
	"os"

	"modernc.org/sqlite"
)

// fullDisk gives SQLite no further pages where a script sets FULL_DISK: it reports
// that as it reports a full disk.
func fullDisk() {
	if os.Getenv("FULL_DISK") == "" {
		return
	}
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
		_, err := c.ExecContext(context.Background(), "PRAGMA max_page_count = 1", nil) // no less than there are
		return err
	})
}
