package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"countersign/internal/secret"
	"countersign/internal/store"
)

const (
	keyPollInterval = time.Second      // how often a node looks whether the key file is another one
	nodeInterval    = 5 * time.Second  // how often it tells the database that it runs
	nodeLive        = 20 * time.Second // after how long without a word it counts as gone
)

// A keyFile is the master key file, as it was read last.
type keyFile struct {
	path     string
	master   *secret.Master
	seen     fs.FileInfo // nil: never
	reported string      // the last thing that was wrong with it
}

// changed reads the file again if it is another one than last time. A file that
// can't be used leaves the keys as they were.
func (k *keyFile) changed() (bool, error) {
	info, err := os.Stat(k.path)
	if err != nil {
		_, err = secret.LoadMaster(k.path) // which says the mend
		return false, err
	}
	if k.seen != nil && os.SameFile(k.seen, info) && k.seen.ModTime().Equal(info.ModTime()) && k.seen.Size() == info.Size() {
		return false, nil
	}
	master, err := secret.LoadMaster(k.path)
	if err != nil {
		return false, err
	}
	first := k.seen == nil
	k.master, k.seen = master, info
	return !first, nil
}

// join tells the database that this process may seal something from now on, and
// with which keys: a service does so before it serves, a command before it
// works. The key file is read once more afterwards. A rotation that did not see
// the process yet had let its new key seal before, so the process has that key (KY-03).
func (a *app) join(ctx context.Context) (store.Node, error) {
	host, _ := os.Hostname() // a name for people; without one the ID stands alone
	n := store.Node{ID: secret.NewID(), Host: host}
	if err := a.announceNode(ctx, n, now()); err != nil {
		return n, err
	}
	if a.readKeys() {
		return n, a.announceNode(ctx, n, now())
	}
	return n, nil
}

// joined is work of a command that may seal something.
func (a *app) joined(ctx context.Context, work func(context.Context) error) error {
	n, err := a.join(ctx)
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.followKeys(following, n) }()
	err = work(ctx)
	stop()
	return errors.Join(err, <-ended)
}

// followKeys takes another key file as soon as there is one, and tells the
// database which keys this node has, until ctx ends (KY-02).
func (a *app) followKeys(ctx context.Context, n store.Node) error {
	ticker := time.NewTicker(keyPollInterval)
	defer ticker.Stop()
	var told time.Time
	for {
		if a.readKeys() || now().Sub(told) >= nodeInterval {
			told = now()
			if err := a.announceNode(ctx, n, told); err != nil && ctx.Err() == nil {
				a.outbox.Log.Error("tell the database that this node runs", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return a.endNode(context.WithoutCancel(ctx), n.ID)
		case <-ticker.C:
		}
	}
}

// readKeys reports whether other keys count from now on.
func (a *app) readKeys() bool {
	changed, err := a.keys.changed()
	if err != nil {
		if a.keys.reported != err.Error() {
			a.keys.reported = err.Error()
			a.outbox.Log.Error("the master key file cannot be used; the keys that were read before stay in use", "error", err)
		}
		return false
	}
	a.keys.reported = ""
	if changed {
		a.box.Use(a.keys.master)
		a.outbox.Log.Info("the master key file was read again", "sealing", a.keys.master.Sealing(), "keys", len(a.keys.master.Keys()))
	}
	return changed
}

func (a *app) announceNode(ctx context.Context, n store.Node, at time.Time) error {
	n.Seen, n.Sealing = at, a.keys.master.Sealing()
	for _, k := range a.keys.master.Keys() {
		n.Keys = append(n.Keys, k.ID)
	}
	return step(ctx, func(ctx context.Context) error { return a.db.SaveNode(ctx, n) })
}

func (a *app) endNode(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := a.db.EndNode(ctx, id); err != nil {
		a.outbox.Log.Warn("tell the database that this node stops", "error", err)
	}
	return nil
}

// missingSettings names the running nodes that do not do what is asked.
func (a *app) missingSettings(ctx context.Context, does func(store.Node) bool) ([]string, error) {
	nodes, err := a.db.Nodes(ctx, now().Add(-nodeLive))
	var names []string
	for _, n := range nodes {
		if !does(n) {
			names = append(names, fmt.Sprintf("%s (%s)", n.Host, n.ID[:8]))
		}
	}
	return slices.Compact(names), err
}
