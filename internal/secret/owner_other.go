//go:build !unix

package secret

import (
	"io/fs"
	"os"
)

// giveTo has nothing to do where files have no owner by number.
func giveTo(*os.File, fs.FileInfo) error { return nil }
