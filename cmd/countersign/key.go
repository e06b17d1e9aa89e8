package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign"
	"countersign/internal/config"
	"countersign/internal/secret"
	"countersign/internal/store"
)

type keyCmd struct {
	Status keyStatus `cmd:"" help:"Tell which master keys there are, and what each has sealed."`
	Rotate keyRotate `cmd:"" help:"Replace the master key while the service runs."`
}

type keyStatus struct {
	JSON bool `name:"json" help:"Print the keys as JSON."`
}

type keyJSON struct {
	Keys   []fileKeyJSON `json:"keys"`
	Sealed []sealedJSON  `json:"sealed"`
	Nodes  []nodeJSON    `json:"nodes"`
}

type fileKeyJSON struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Rows  int    `json:"rows"`
}

type sealedJSON struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Key    string `json:"key"`
	Rows   int    `json:"rows"`
}

type nodeJSON struct {
	ID      string   `json:"id"`
	Host    string   `json:"host"`
	Seen    string   `json:"seen"`
	Sealing string   `json:"sealing"`
	Keys    []string `json:"keys"`
}

// errLost is the error for values that no key of the file opens: exit code 1.
var errLost = errors.New("something was sealed with a key that is not in the file; put that key back")

// Run shows the keys.
func (cmd keyStatus) Run(s *config.Settings, c *console) error {
	ctx, cancel := commandContext()
	defer cancel()
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(cmd.tell(ctx, h, c), h.close())
}

func (cmd keyStatus) tell(ctx context.Context, h *app, c *console) error {
	sealed, err := h.db.SealedRows(ctx)
	if err != nil {
		return err
	}
	nodes, err := h.db.Nodes(ctx, now().Add(-nodeLive))
	if err != nil {
		return err
	}
	view, lost := keyView(h.keys.master.Keys(), sealed, nodes)
	if cmd.JSON {
		return errors.Join(c.json(view), lost)
	}
	rows := [][]string{{"KEY", "STATE", "VALUES"}}
	for _, k := range view.Keys {
		rows = append(rows, []string{k.ID, k.State, strconv.Itoa(k.Rows)})
	}
	rows = append(rows, nil, []string{"SEALED", "KEY", "VALUES"})
	for _, s := range view.Sealed {
		rows = append(rows, []string{s.Table + "." + s.Column, s.Key, strconv.Itoa(s.Rows)})
	}
	rows = append(rows, nil, []string{"NODE", "SEALS WITH", "OPENS"})
	for _, n := range view.Nodes {
		rows = append(rows, []string{n.Host + " " + n.ID[:8], n.Sealing, strings.Join(n.Keys, " ")})
	}
	return errors.Join(c.table(rows), lost)
}

func keyView(keys []secret.KeyInfo, sealed []store.Sealed, nodes []store.Node) (view keyJSON, lost error) {
	view = keyJSON{Keys: []fileKeyJSON{}, Sealed: []sealedJSON{}, Nodes: []nodeJSON{}}
	count := map[string]int{}
	for _, s := range sealed {
		count[s.Key] += s.Rows
		view.Sealed = append(view.Sealed, sealedJSON(s))
	}
	for _, k := range keys {
		view.Keys = append(view.Keys, fileKeyJSON{k.ID, string(k.State), count[k.ID]})
		delete(count, k.ID)
	}
	for id, n := range count {
		view.Keys = append(view.Keys, fileKeyJSON{id, "missing", n})
		lost = errLost
	}
	for _, n := range nodes {
		view.Nodes = append(view.Nodes, nodeJSON{n.ID, n.Host, n.Seen.Format(time.RFC3339), n.Sealing, n.Keys})
	}
	return view, lost
}

type keyRotate struct {
	Wait time.Duration `default:"1m" help:"How long to wait for every node to read the key file."`
}

// resealBatch is how many values are resealed in one transaction: few, so that no sign-in waits for
// it.
const resealBatch = 100

// Run replaces the master key in steps, each of which leaves a working installation: a new key that
// every node has read before it seals, everything resealed, the old keys removed from the file. An
// interrupted run continues where it was.
func (cmd keyRotate) Run(s *config.Settings, c *console) error {
	ctx, cancel := commandContext()
	defer cancel()
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(cmd.rotate(ctx, h, c), h.close())
}

func (cmd keyRotate) rotate(ctx context.Context, h *app, c *console) error {
	if len(h.keys.master.Reduced().Keys()) == len(h.keys.master.Keys()) { // not one that was interrupted after its new key began to seal
		if err := cmd.introduce(ctx, h, c); err != nil {
			return err
		}
	}
	seals := h.keys.master.Sealing()
	if err := cmd.everyNode(ctx, h, "seal with it", func(n store.Node) bool { return n.Sealing == seals }); err != nil {
		return err
	}
	if err := cmd.olderWork(ctx, h, c); err != nil {
		return err
	}
	resealed, err := resealAll(ctx, h)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Sealed anew with key %s: %s\n", seals, countersign.Count(int(resealed), "value"))
	return cmd.retire(ctx, h, c, seals)
}

// introduce distributes a new key to every node, and then lets it seal.
func (cmd keyRotate) introduce(ctx context.Context, h *app, c *console) error {
	if h.keys.master.Waiting() == "" {
		if err := h.writeKeys(h.keys.master.WithNew()); err != nil {
			return err
		}
		if err := h.recordKey(ctx, "introduced", h.keys.master.Waiting()); err != nil {
			return err
		}
	}
	fresh := h.keys.master.Waiting()
	fmt.Fprintf(c.out, "Key %s is in %s and waits until every node has read it\n", fresh, h.keys.path)
	if err := cmd.everyNode(ctx, h, "have it", func(n store.Node) bool { return n.Has(fresh) }); err != nil {
		return err
	}
	promoted, err := h.keys.master.Promoted()
	if err != nil {
		return err
	}
	if err := h.writeKeys(promoted); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Key %s seals from now on\n", fresh)
	return h.recordKey(ctx, "seals", fresh)
}

// recordKey writes a step of the rotation to the audit log.
func (a *app) recordKey(ctx context.Context, step, key string) error {
	all, err := a.db.Agencies(ctx)
	if err != nil {
		return err
	}
	return a.admin.KeyRotated(ctx, countersign.Visit{Agency: all[0], Now: now()}, operator, step, key)
}

// writeKeys replaces the key file and uses its keys from now on.
func (a *app) writeKeys(m *secret.Master) error {
	if changed, err := a.keys.changed(); err != nil || changed {
		return errors.Join(fmt.Errorf("--master-key-file: %s has changed since; look at key status, and run key rotate again", a.keys.path), err)
	}
	if err := m.Save(a.keys.path); err != nil {
		return fmt.Errorf("--master-key-file: %w", err)
	}
	if _, err := a.keys.changed(); err != nil {
		return fmt.Errorf("--master-key-file: %w", err)
	}
	a.box.Use(a.keys.master)
	return nil
}

// everyNode waits until does is true for every running node.
func (cmd keyRotate) everyNode(ctx context.Context, h *app, what string, does func(store.Node) bool) error {
	for end := now().Add(cmd.Wait); ; time.Sleep(keyPollInterval / 4) {
		names, err := h.nodesPending(ctx, does)
		if err != nil || len(names) == 0 {
			return err
		}
		if now().After(end) {
			return fmt.Errorf("these nodes do not %s yet: %s; copy %s to them and run key rotate again, which continues from here", what, strings.Join(names, ", "), h.keys.path)
		}
	}
}

// olderWork waits for every transaction that began before each node sealed with the new key. It may
// still commit a value that the old key sealed (KY-03).
func (cmd keyRotate) olderWork(ctx context.Context, h *app, c *console) error {
	moment, err := h.db.Now(ctx)
	if err != nil {
		return err
	}
	for end, told := now().Add(cmd.Wait), false; ; time.Sleep(keyPollInterval / 4) {
		n, err := h.db.OlderTransactions(ctx, moment)
		if err != nil || n == 0 {
			return err
		}
		if !told {
			told = true
			fmt.Fprintln(c.out, "Waiting for transactions that began before")
		}
		if now().After(end) {
			return fmt.Errorf("earlier transactions still run: %s; wait for them, or end them, and run key rotate again, which continues from here", countersign.Count(n, "session"))
		}
	}
}

// resealAll reseals every value that another key has sealed.
func resealAll(ctx context.Context, h *app) (int, error) {
	for all := 0; ; {
		n, err := h.db.Reseal(ctx, resealBatch)
		if all += n; err != nil || n == 0 {
			return all, err
		}
	}
}

// retire removes the keys from the file that no longer seal anything.
func (cmd keyRotate) retire(ctx context.Context, h *app, c *console, seals string) error {
	sealed, err := h.db.SealedRows(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(sealed, func(s store.Sealed) bool { return s.Key != seals }) {
		return errors.New("values were sealed with the old key in the meantime; run key rotate again, which continues from here")
	}
	before := h.keys.master.Keys()
	if err := h.writeKeys(h.keys.master.Reduced()); err != nil {
		return err
	}
	for _, k := range before {
		if k.State != secret.Opens {
			continue
		}
		fmt.Fprintf(c.out, "Key %s is not in the file any more. Backups from before now open with it only: make a new backup.\n", k.ID)
		if err := h.recordKey(ctx, "retired", k.ID); err != nil {
			return err
		}
	}
	return nil
}
