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
	keyPollInterval = time.Second      // how often a node checks whether the key file has changed
	nodeInterval    = 5 * time.Second  // how often it reports to the database
	nodeLive        = 20 * time.Second // after how long without a report it counts as gone
)

// A keyFile is the master key file as last read.
type keyFile struct {
	path     string
	master   *secret.Master
	seen     fs.FileInfo // nil: never
	reported string      // the last error that was logged
}

// changed reads the file again if it has changed. A file that can't be used leaves the keys as they
// were.
func (k *keyFile) changed() (bool, error) {
	info, err := os.Stat(k.path)
	if err != nil {
		_, err = secret.LoadMaster(k.path) // whose error says the fix
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

// join registers in the database that this process may seal from now on, and with which keys: a
// service before it serves, a command before it works. It then reads the key file once more. A
// rotation that missed this process had switched to its new key before, so the process now reads
// that key (KY-03).
func (a *app) join(ctx context.Context) (store.Node, error) {
	host, _ := os.Hostname() // a name for people; the ID is enough without it
	n := store.Node{ID: secret.NewID(), Host: host}
	err := a.announceNode(ctx, n, now())
	if errors.Is(err, store.ErrOldKey) && a.readKeys() { // a rotation ended since the file was read
		err = a.announceNode(ctx, n, now())
	}
	if err != nil {
		return n, err
	}
	if a.readKeys() {
		return n, a.announceNode(ctx, n, now())
	}
	return n, nil
}

// runAsNode runs the work of a command that may seal something.
func (a *app) runAsNode(ctx context.Context, work func(context.Context) error) error {
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

// followKeys reads the key file when it changes and reports this node's keys to the database, until
// ctx ends (KY-02).
func (a *app) followKeys(ctx context.Context, n store.Node) error {
	ticker := time.NewTicker(keyPollInterval)
	defer ticker.Stop()
	var reported time.Time
	for {
		if a.readKeys() || now().Sub(reported) >= nodeInterval {
			reported = now()
			if err := a.announceNode(ctx, n, reported); err != nil && ctx.Err() == nil {
				a.outbox.Log.Error("report to the database that this node runs", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return a.endNode(context.WithoutCancel(ctx), n.ID)
		case <-ticker.C:
		}
	}
}

// readKeys reports whether the keys have changed.
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
		a.outbox.Log.Warn("report to the database that this node stops", "error", err)
	}
	return nil
}

// nodesPending names the running nodes for which does is false.
func (a *app) nodesPending(ctx context.Context, does func(store.Node) bool) ([]string, error) {
	nodes, err := a.db.Nodes(ctx, now().Add(-nodeLive))
	var names []string
	for _, n := range nodes {
		if !does(n) {
			names = append(names, fmt.Sprintf("%s (%s)", n.Host, n.ID[:8]))
		}
	}
	return slices.Compact(names), err
}
