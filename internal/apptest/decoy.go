package apptest

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// A decoy is a second agency with the same user IDs, names, addresses and passwords, and with its
// own methods, devices and sessions. No test may change it (TN-01).
type decoy struct {
	h      *App
	agency countersign.Agency
	before map[string][]string
}

// DecoyHost is the host name of the decoy.
const DecoyHost = "login.decoy.example"

func (h *App) addDecoy() {
	h.T.Helper()
	a, err := h.Admin.AddAgency(context.Background(), Start.Add(time.Millisecond), countersign.Agency{Code: "DECOY", Name: "Decoy Agency", Hosts: []string{DecoyHost}})
	if err != nil {
		h.T.Fatal(err)
	}
	h.decoy = &decoy{h: h, agency: a}
	h.decoy.before = h.decoy.rows()
	h.T.Cleanup(h.decoy.check)
}

// add gives the decoy the same user, set up, remembered and signed in.
func (d *decoy) add(n admin.NewUser) {
	d.h.T.Helper()
	ctx, now := context.Background(), d.h.Now()
	u, err := d.h.Admin.AddUser(ctx, countersign.Visit{Agency: d.agency, Now: now}, Operator, n)
	if err != nil {
		d.h.T.Fatalf("add user %s to the decoy: %v", n.Login, err)
	}
	id := "decoy-" + strings.ToLower(n.Login)
	client := countersign.Client{IP: netip.MustParseAddr("192.0.2.10"), Browser: "Chrome", OS: "Windows", Product: "Mozilla"}
	err = d.h.DB.In(ctx, d.agency.ID, func(tx *store.Tx) error {
		f := countersign.Factor{ID: countersign.FactorID(id + "-email"), User: u.ID, Method: countersign.MethodEmail, Address: n.Email, Verified: now, Default: true}
		if err := tx.SaveFactor(ctx, f); err != nil {
			return err
		}
		f = countersign.Factor{ID: countersign.FactorID(id + "-app"), User: u.ID, Method: countersign.MethodApp, Secret: []byte("12345678901234567890"), Verified: now}
		if err := tx.SaveFactor(ctx, f); err != nil {
			return err
		}
		if err := tx.SaveBrowser(ctx, countersign.Browser{ID: countersign.BrowserID(id + "-browser"), Digest: []byte("digest"), Created: now, Seen: now}); err != nil {
			return err
		}
		device := countersign.Device{ID: countersign.DeviceID(id + "-device"), User: u.ID, Browser: countersign.BrowserID(id + "-browser"), Client: client, FirstSeen: now, LastSeen: now, Proved: now}
		if err := tx.SaveDevice(ctx, device); err != nil {
			return err
		}
		return tx.AddSession(ctx, countersign.Session{ID: countersign.SessionID(id + "-session"), User: u.ID, Device: device.ID, Client: client, Proof: countersign.ProofEmail,
			ProvedAt: now, Started: now, LastSeen: now, Expires: now.Add(1000 * Day)})
	})
	if err != nil {
		d.h.T.Fatal(err)
	}
	d.before = d.rows()
}

// rows returns the decoy's rows by table.
func (d *decoy) rows() map[string][]string {
	d.h.T.Helper()
	all := map[string][]string{}
	row, mine := []string{}, false
	keep := func(table string) {
		if mine {
			all[table] = append(all[table], strings.Join(row, " | "))
		}
		row, mine = nil, false
	}
	table, first := "", ""
	for _, c := range d.h.Dump() {
		if c.Table != table || c.Column == first {
			keep(table)
			table, first = c.Table, c.Column
		}
		row = append(row, c.Column+"="+c.Text)
		mine = mine || c.Column == "agency_id" && c.Text == string(d.agency.ID)
	}
	keep(table)
	for _, rows := range all {
		slices.Sort(rows)
	}
	return all
}

// check fails the test if the decoy has changed.
func (d *decoy) check() {
	d.h.T.Helper()
	after := d.rows()
	for _, table := range slices.Sorted(maps.Keys(after)) {
		if !slices.Equal(d.before[table], after[table]) {
			d.h.T.Errorf("the other agency has changed, in %s:\nbefore %q\nafter  %q", table, d.before[table], after[table])
		}
	}
}
