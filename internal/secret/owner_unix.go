//go:build unix

package secret

import (
	"io/fs"
	"os"
	"syscall"
)

// giveTo gives a file the owner of another one: a command run by root must not make the
// key unreadable for the service.
func giveTo(f *os.File, like fs.FileInfo) error {
	owner, ok := like.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Getuid() && int(owner.Gid) == os.Getgid() {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
