package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// addresses lets cmp compare IP addresses, which have unexported fields.
var addresses = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// A place is a database with two agencies that have the same users. Changes to ours must leave
// the decoy unchanged (TN-01).
type place struct {
	*testing.T
	db    *store.DB
	ours  countersign.AgencyID
	decoy countersign.AgencyID
	user  countersign.User
}

// each runs a test on both engines, and then checks that the decoy is unchanged.
func each(t *testing.T, f func(p place)) {
	t.Helper()
	urls := map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.DSN(t) },
	}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := open(t, url(t))
			before := p.dump(p.decoy)
			f(p)
			if diff := cmp.Diff(before, p.dump(p.decoy), addresses); diff != "" {
				t.Errorf("the other agency has changed (-before +after):\n%s", diff)
			}
		})
	}
}

func open(t *testing.T, url string) place {
	t.Helper()
	master, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	return openWith(t, url, master.Box())
}

func openWith(t *testing.T, url string, box *secret.Box) place {
	t.Helper()
	db, err := store.Open(t.Context(), url, box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p := place{T: t, db: db, ours: "ours", decoy: "decoy"}
	for i, id := range []countersign.AgencyID{p.ours, p.decoy} {
		a := countersign.Agency{ID: id, Code: fmt.Sprint("AGENCY", i), Name: "Agency", Hosts: []string{fmt.Sprintf("login%d.example", i)}, Created: noon}
		u := countersign.User{ID: countersign.UserID(id + "-user"), Login: "BSMITH", Name: "Bob Smith", Email: "bsmith@demo.example",
			Rights: []countersign.Right{countersign.RightReset}, Groups: []string{"agents"}, Created: noon, Version: 1}
		err := db.AddAgency(t.Context(), a, func(tx *store.Tx) error {
			if err := tx.AddUser(t.Context(), u); err != nil {
				return err
			}
			tx.Record(countersign.Event{At: noon, Action: "user.added", Actor: "operator", Subject: "BSMITH"})
			s := countersign.Setting{Code: "2FA", Value: "On", Changed: noon}
			if err := tx.SaveSetting(t.Context(), s, 0); err != nil {
				return err
			}
			if err := tx.SaveFactor(t.Context(), factorOf(u.ID, countersign.FactorID(id+"-app"))); err != nil {
				return err
			}
			if err := tx.SaveBrowser(t.Context(), countersign.Browser{ID: countersign.BrowserID(id + "-browser"), Digest: []byte("d"), Created: noon, Seen: noon}); err != nil {
				return err
			}
			if err := tx.SaveDevice(t.Context(), deviceOf(u.ID, countersign.DeviceID(id+"-device"), countersign.BrowserID(id+"-browser"))); err != nil {
				return err
			}
			return tx.AddSession(t.Context(), countersign.Session{ID: countersign.SessionID(id + "-session"), User: u.ID, Started: noon, Expires: noon.Add(time.Hour)})
		})
		if err != nil {
			t.Fatal(err)
		}
		if id == p.ours {
			p.user = u
		}
	}
	return p
}

func factorOf(u countersign.UserID, id countersign.FactorID) countersign.Factor {
	return countersign.Factor{ID: id, User: u, Method: countersign.MethodApp, Secret: []byte("12345678901234567890"), State: 7, Verified: noon, Default: true}
}

func deviceOf(u countersign.UserID, id countersign.DeviceID, b countersign.BrowserID) countersign.Device {
	return countersign.Device{ID: id, User: u, Browser: b, FirstSeen: noon, LastSeen: noon, Proved: noon, LastToken: noon,
		Client: countersign.Client{IP: netip.MustParseAddr("203.0.113.7"), Browser: "Chrome", OS: "Windows"}}
}

// in runs f in a transaction of our agency and fails the test with its error.
func (p place) in(f func(ctx context.Context, tx *store.Tx) error) {
	p.Helper()
	if err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error { return f(p.Context(), tx) }); err != nil {
		p.Fatal(err)
	}
}

// dump returns everything that an agency's transaction sees.
func (p place) dump(agency countersign.AgencyID) map[string]any {
	p.Helper()
	all := map[string]any{}
	keep := func(name string, value any, err error) {
		if err != nil {
			p.Fatalf("%s: %v", name, err)
		}
		all[name] = value
	}
	err := p.db.Read(p.Context(), agency, func(tx *store.Tx) error {
		ctx := p.Context()
		u, err := tx.UserByLogin(ctx, "bsmith")
		keep("user", u, err)
		settings, err := tx.Settings(ctx)
		keep("settings", settings, err)
		factors, err := tx.Factors(ctx, u.ID)
		keep("factors", factors, err)
		devices, err := tx.Devices(ctx, u.ID)
		keep("devices", devices, err)
		sessions, err := tx.Sessions(ctx, u.ID, noon, noon.Add(-time.Hour))
		keep("sessions", sessions, err)
		events, err := tx.Events(ctx, "", 100)
		keep("events", events, err)
		messages, err := tx.Messages(ctx, u.ID, 100)
		keep("messages", messages, err)
		return nil
	})
	if err != nil {
		p.Fatal(err)
	}
	return all
}

// What is written reads back unchanged.
func TestRoundTrip(t *testing.T) {
	each(t, func(p place) {
		all := p.dump(p.ours)
		want := p.user
		want.Enrolled = true
		if diff := cmp.Diff(want, all["user"]); diff != "" {
			p.Errorf("user (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]countersign.Factor{factorOf(p.user.ID, "ours-app")}, all["factors"]); diff != "" {
			p.Errorf("factors (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]countersign.Device{deviceOf(p.user.ID, "ours-device", "ours-browser")}, all["devices"], addresses); diff != "" {
			p.Errorf("devices (-want +got):\n%s", diff)
		}
	})
}

// TN-01: statements that change a whole agency or user don't affect another agency.
func TestClearingStaysAtHome(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.ForgetAllDevices(ctx, countersign.ForgottenTurnedOff, noon); err != nil {
				return err
			}
			if _, err := tx.EndAllSessions(ctx, "", "administrator", noon); err != nil {
				return err
			}
			return tx.ClearTwoFactor(ctx, p.user.ID, noon)
		})
		// Rows of the decoy can't be reached by their own IDs either.
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.ClearTwoFactor(ctx, "decoy-user", noon); err != nil {
				return err
			}
			if err := tx.SetPassword(ctx, "decoy-user", "stolen", noon); err != nil {
				return err
			}
			if err := tx.SetDefault(ctx, "decoy-user", countersign.MethodEmail); err != nil {
				return err
			}
			if err := tx.SaveBrowser(ctx, countersign.Browser{ID: "decoy-browser", Digest: []byte("stolen")}); err != nil {
				return err
			}
			if _, err := tx.User(ctx, "decoy-user"); countersign.KindOf(err) != countersign.KindNotFound {
				return fmt.Errorf("another agency's user: %v", err)
			}
			if _, err := tx.Session(ctx, "decoy-session"); countersign.KindOf(err) != countersign.KindNotFound {
				return fmt.Errorf("another agency's session: %v", err)
			}
			return nil
		})
		all := p.dump(p.ours)
		if factors := all["factors"].([]countersign.Factor); len(factors) != 0 {
			p.Errorf("factors left: %v", factors)
		}
		if sessions := all["sessions"].([]countersign.Session); len(sessions) != 0 {
			p.Errorf("sessions left: %v", sessions)
		}
	})
}

// TH-01: of any number of simultaneous tries exactly three are reserved.
func TestThreeTriesAtOnce(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			return tx.AddAttempt(ctx, countersign.Attempt{ID: "a1", User: p.user.ID, Purpose: countersign.PurposeSignIn, Started: noon, Expires: noon.Add(time.Minute)})
		})
		var paid sync.Map
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				var ok bool
				err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) (err error) {
					ok, err = tx.ReserveTry(p.Context(), "a1", 3, time.UnixMilli(1))
					return err
				})
				if err != nil {
					p.Error(err)
				}
				if ok {
					paid.Store(i, true)
				}
			})
		}
		all.Wait()
		n := 0
		paid.Range(func(any, any) bool { n++; return true })
		if n != 3 {
			p.Errorf("%d guesses were paid for, want 3", n)
		}
	})
}

// OT-08: an app code is accepted at most once, whichever request comes first.
func TestAppStepOnce(t *testing.T) {
	each(t, func(p place) {
		won := make(chan bool, 20)
		var all sync.WaitGroup
		for range cap(won) {
			all.Go(func() {
				err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
					ok, err := tx.UseFactor(p.Context(), countersign.Factor{ID: "ours-app", State: 8}, noon)
					won <- ok
					return err
				})
				if err != nil {
					p.Error(err)
				}
			})
		}
		all.Wait()
		close(won)
		n := 0
		for ok := range won {
			if ok {
				n++
			}
		}
		if n != 1 {
			p.Errorf("%d of 20 took the same step, want 1", n)
		}
	})
}

// Of two saves based on the same version, the second fails with edit.conflict.
func TestConflicts(t *testing.T) {
	each(t, func(p place) {
		save := func(version int64) error {
			return p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
				return tx.SaveSetting(p.Context(), countersign.Setting{Code: "2FA", Value: "Off", Changed: noon}, version)
			})
		}
		if err := save(1); err != nil {
			p.Fatal(err)
		}
		if err := save(1); countersign.CodeOf(err) != "edit.conflict" {
			p.Errorf("saved on top of a newer version: %v", err)
		}
		if err := save(0); countersign.CodeOf(err) != "edit.conflict" {
			p.Errorf("saved a first version on top: %v", err)
		}
		u := p.user
		u.Name = "Robert Smith"
		saveUser := func() error {
			return p.db.In(p.Context(), p.ours, func(tx *store.Tx) error { return tx.SaveUser(p.Context(), u) })
		}
		if err := saveUser(); err != nil {
			p.Fatal(err)
		}
		if err := saveUser(); countersign.CodeOf(err) != "edit.conflict" {
			p.Errorf("saved a user on top of a newer version: %v", err)
		}
	})
}

// AU-04: a failed transaction leaves nothing behind, its audit rows included.
func TestNothingHalfDone(t *testing.T) {
	each(t, func(p place) {
		before := p.dump(p.ours)
		boom := fmt.Errorf("boom")
		err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
			tx.Record(countersign.Event{At: noon, Action: "never"})
			if err := tx.SetPassword(p.Context(), p.user.ID, "changed", noon); err != nil {
				return err
			}
			return boom
		})
		if err != boom {
			p.Fatalf("got %v", err)
		}
		if diff := cmp.Diff(before, p.dump(p.ours), addresses); diff != "" {
			p.Errorf("something stayed (-before +after):\n%s", diff)
		}
	})
}

// Audit rows of many simultaneous transactions are numbered without gaps.
func TestEventsInOrder(t *testing.T) {
	each(t, func(p place) {
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
					tx.Record(countersign.Event{At: noon, Action: "one"})
					tx.Record(countersign.Event{At: noon, Action: "two", Actor: "a\r\nb"})
					return nil
				})
				if err != nil {
					p.Error(err)
				}
			})
		}
		all.Wait()
		events := p.dump(p.ours)["events"].([]countersign.Event)
		for i, e := range events {
			if want := int64(len(events) - i); e.Seq != want {
				p.Fatalf("event %d has number %d, want %d", i, e.Seq, want)
			}
		}
		if len(events) != 81 || events[0].Actor != "a  b" {
			p.Errorf("%d events, the last by %q", len(events), events[0].Actor)
		}
	})
}

// Lists can be paged by key in both directions, in every order, without losing a row.
func TestUserPages(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			for i := range 23 {
				u := countersign.User{ID: countersign.UserID(fmt.Sprintf("u%02d", i)), Login: fmt.Sprintf("USER%02d", i), Name: fmt.Sprintf("Name %d", i%5),
					Email: map[bool]string{true: fmt.Sprintf("u%02d@demo.example", i)}[i%3 > 0], Created: noon, Version: 1, Disabled: i == 4}
				if err := tx.AddUser(ctx, u); err != nil {
					return err
				}
			}
			return nil
		})
		for _, sort := range []string{"name", "login", "state", "default", "last"} {
			for _, descending := range []bool{false, true} {
				p.walk(store.UserQuery{Sort: sort, Descending: descending, Limit: 7, Now: noon}, 24)
			}
		}
		p.walk(store.UserQuery{State: store.StateCannot, Limit: 3, Now: noon}, 8)
		p.walk(store.UserQuery{Text: "user1", Limit: 3, Now: noon}, 10)
		p.walk(store.UserQuery{Text: "100%_", Limit: 3, Now: noon}, 0)
		p.walk(store.UserQuery{Method: "app", Limit: 3, Now: noon}, 1)
		p.walk(store.UserQuery{Method: "email", Limit: 3, Now: noon}, 0)
		p.walk(store.UserQuery{Right: countersign.RightReset, Limit: 3, Now: noon}, 1)
	})
}

// walk pages forward to the end and back to the start.
func (p place) walk(q store.UserQuery, total int) {
	p.Helper()
	seen := map[countersign.UserID]bool{}
	var pages []store.UserPage
	for {
		page := p.users(q)
		if page.Total != total {
			p.Fatalf("%+v: %d in all, want %d", q, page.Total, total)
		}
		if len(page.Rows) > 0 && page.First != len(seen)+1 {
			p.Fatalf("%+v: the page begins at %d, want %d", q, page.First, len(seen)+1)
		}
		for _, r := range page.Rows {
			if seen[r.ID] {
				p.Fatalf("%+v: %s comes twice", q, r.Login)
			}
			seen[r.ID] = true
		}
		pages = append(pages, page)
		if page.Next == "" {
			break
		}
		q.After = page.Next
	}
	if len(seen) != total {
		p.Fatalf("%+v: %d seen, want %d", q, len(seen), total)
	}
	for i := len(pages) - 2; i >= 0; i-- {
		q.After, q.Before = "", pages[i+1].Previous
		if diff := cmp.Diff(pages[i], p.users(q)); diff != "" {
			p.Fatalf("%+v: back at page %d (-forward +back):\n%s", q, i, diff)
		}
	}
}

func (p place) users(q store.UserQuery) (page store.UserPage) {
	p.Helper()
	p.in(func(ctx context.Context, tx *store.Tx) (err error) {
		page, err = tx.Users(ctx, q)
		return err
	})
	return page
}

// Count returns whom a change of preferences affects.
func TestCount(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			for i, email := range []string{"a@demo.example", "", ""} {
				u := countersign.User{ID: countersign.UserID(fmt.Sprint("n", i)), Login: fmt.Sprint("N", i), Name: "N", Email: email, Created: noon, Disabled: i == 2}
				if err := tx.AddUser(ctx, u); err != nil {
					return err
				}
			}
			got, err := tx.Count(ctx, noon, noon.Add(-time.Hour), noon.Add(time.Minute), noon.Add(-time.Hour))
			want := store.Counts{Users: 3, NotSetUp: 1, NoEmail: 1, Enrolled: 1, Sessions: 1, Devices: 1, DevicesOver: 1, UsersOver: 1}
			if diff := cmp.Diff(want, got); diff != "" {
				p.Errorf("counts (-want +got):\n%s", diff)
			}
			return err
		})
	})
}

// KY-01: an attempt is sealed and reads back unchanged.
func TestSealedAtRest(t *testing.T) {
	each(t, func(p place) {
		a := countersign.Attempt{ID: "a1", User: p.user.ID, Purpose: countersign.PurposeSignIn, Started: noon, Expires: noon.Add(time.Minute),
			Enrollment: countersign.Enrollment{Key: []byte("12345678901234567890")}, Pending: &countersign.PendingRequest{Path: "/x", Form: map[string][]string{"a": {"b"}}}}
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.AddAttempt(ctx, a); err != nil {
				return err
			}
			got, err := tx.Attempt(ctx, "a1")
			if diff := cmp.Diff(a, got, addresses); diff != "" {
				p.Errorf("attempt (-want +got):\n%s", diff)
			}
			return err
		})
	})
}

// KY-02: a database does not open with another master key.
func TestOtherKey(t *testing.T) {
	for engine, url := range map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "test.db"), "PostgreSQL": pgtest.DSN(t)} {
		open(t, url)
		other, err := secret.NewMaster()
		if err != nil {
			t.Fatal(err)
		}
		if db, err := store.Open(t.Context(), url, other.Box()); !errors.Is(err, store.ErrOtherKey) {
			t.Errorf("%s: opened with another key: %v %v", engine, db, err)
		}
	}
}

// A folder's name may contain special characters: the file is created there, and nowhere else.
func TestFolderNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "50% #1 ü")
	open(t, "sqlite:"+filepath.Join(dir, "test.db"))
	found, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(found) != 1 {
		t.Errorf("%v %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "test.db")); err != nil {
		t.Error(err)
	}
}
