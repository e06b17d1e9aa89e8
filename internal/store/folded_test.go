package store_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"countersign"
	"countersign/internal/pgtest"
	"countersign/internal/store"
)

// locales are databases that fold and sort texts by different rules.
var locales = map[string]func(*testing.T) string{
	"SQLite":                func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
	"PostgreSQL":            func(t *testing.T) string { return pgtest.DSN(t) },
	"PostgreSQL in Turkish": func(t *testing.T) string { return pgtest.InLocale(t, "tr-TR") },
	"PostgreSQL in English": func(t *testing.T) string { return pgtest.InLocale(t, "en-US") },
}

// people are logins and names, in the expected order.
var (
	peopleByName  = []string{"ada.x", "AEGIR", "aenne", "B-OB", "BOB", "IDA", "INES", "LUKASZ", "OLAF", "ZOE"}
	namesByLogin  = map[string]string{"ada.x": "ada lovelace", "AEGIR": "Ägir", "aenne": "ÄNNE Müller", "B-OB": "Bob", "BOB": "bob b", "IDA": "ida", "INES": "Ines", "LUKASZ": "Łukasz", "OLAF": "Ólafur", "ZOE": "Zoë"}
	peopleByLogin = []string{"ada.x", "AEGIR", "aenne", "B-OB", "BOB", "IDA", "INES", "LUKASZ", "OLAF", "ZOE"}
)

// Addresses are found in any letter case, and lists have one order, whatever the database's
// locale.
func TestLocalesOfTheDatabase(t *testing.T) {
	for locale, url := range locales {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			p := open(t, url(t))
			p.addPeople()
			for sort, want := range map[string][]string{"name": peopleByName, "login": peopleByLogin} {
				for _, descending := range []bool{false, true} {
					p.wantOrder(sort, descending, want)
				}
			}
			p.in(func(ctx context.Context, tx *store.Tx) error {
				for _, typed := range []string{"INES.I@demo.example", "ines.i@demo.example", "Ines.I@DEMO.EXAMPLE"} {
					found, err := tx.UsersByEmail(ctx, typed)
					if err != nil || len(found) != 1 || found[0].Login != "INES" {
						t.Errorf("%s is found as %v, %v", typed, found, err)
					}
					at, err := tx.NthTokenTo(ctx, typed, noon.AddDate(0, 0, -1), 1)
					if err != nil || !at.Equal(noon) {
						t.Errorf("the token to %s: %v, %v", typed, at, err)
					}
					list, err := tx.MessageList(ctx, store.MessageQuery{Text: typed, Limit: 10})
					if err != nil || list.Total != 1 {
						t.Errorf("messages to %s: %d, %v", typed, list.Total, err)
					}
				}
				u, err := tx.UserByLogin(ctx, "ines")
				if err != nil || !slices.Equal(u.Groups, []string{"B", "a", "b-c", "bc", "Ä"}) {
					t.Errorf("groups: %q, %v", u.Groups, err)
				}
				bounced, err := tx.Users(ctx, store.UserQuery{State: store.StateBounced, Limit: 10, Now: noon})
				if err != nil || bounced.Total != 1 {
					t.Errorf("bounced: %d, %v", bounced.Total, err)
				}
				return nil
			})
		})
	}
}

// addPeople adds the people, and a refused mail to one of them.
func (p place) addPeople() {
	p.Helper()
	p.in(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RemoveUser(ctx, p.user.ID); err != nil {
			return err
		}
		for _, login := range slices.Backward(peopleByName) {
			u := countersign.User{ID: countersign.UserID("id-" + login), Login: login, Name: namesByLogin[login], Created: noon, Version: 1}
			if login == "INES" {
				u.Email, u.Groups = "INES.I@demo.example", []string{"a", "B", "Ä", "b-c", "bc"}
			}
			if err := tx.AddUser(ctx, u); err != nil {
				return err
			}
		}
		return tx.AddMessage(ctx, countersign.Message{ID: "locale", User: "id-INES", Kind: countersign.MessageToken, Channel: countersign.ChannelEmail,
			To: "Ines.I@demo.example", Created: noon, Due: noon, State: countersign.StateRefused})
	})
}

// wantOrder pages through the users, three at a time.
func (p place) wantOrder(sort string, descending bool, want []string) {
	p.Helper()
	want = slices.Clone(want)
	if descending {
		slices.Reverse(want)
	}
	var got []string
	for q := (store.UserQuery{Sort: sort, Descending: descending, Limit: 3, Now: noon}); ; {
		page := p.users(q)
		for _, r := range page.Rows {
			got = append(got, r.Login)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("by %s, descending %v (-want +got):\n%s", sort, descending, diff)
	}
}

// Rows that a node of an earlier version wrote are found by their address at once, and sorted
// correctly after the next start or the next Refold.
func TestRowsOfAnEarlierVersionAreFolded(t *testing.T) {
	for locale, url := range locales {
		if strings.Contains(locale, "Turkish") {
			continue // LOWER maps I to another letter there
		}
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			address, box := url(t), master(t)
			p := openWith(t, address, box)
			p.addPeople()
			older := func(id, set string) {
				p.in(func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.SQL().ExecContext(ctx, `UPDATE users SET `+set+` WHERE agency_id = $1 AND id = $2`, p.ours, id)
					return err
				})
			}
			find := func(email, want string) {
				t.Helper()
				p.in(func(ctx context.Context, tx *store.Tx) error {
					found, err := tx.UsersByEmail(ctx, email)
					if err != nil || len(found) != 1 || found[0].Login != want {
						t.Errorf("%s is found as %v, %v", email, found, err)
					}
					return nil
				})
			}
			older("id-BOB", `email = 'Bob.B@demo.example', email_folded = '', name_key = ''`)
			older("id-IDA", `email = 'Ida@demo.example', email_folded = 'another@demo.example', name_key = 'zz'`)
			find("bob.b@demo.example", "BOB")
			find("ida@demo.example", "IDA")
			if err := p.db.Close(); err != nil {
				t.Fatal(err)
			}
			var err error
			if p.db, err = store.Open(t.Context(), address, box); err != nil {
				t.Fatal(err)
			}
			older("id-BOB", `name_key = name_key || '!'`) // filled in before, so this sorts after "bob b"
			p.in(func(ctx context.Context, tx *store.Tx) error {
				var key, folded string
				err := tx.SQL().QueryRowContext(ctx, `SELECT name_key, email_folded FROM users WHERE agency_id = $1 AND id = 'id-BOB'`, p.ours).Scan(&key, &folded)
				if err != nil || key != "bob b!" || folded != "bob.b@demo.example" {
					t.Errorf("filled: %q %q, %v", key, folded, err)
				}
				return nil
			})
			if err := p.db.Refold(t.Context(), noon); err != nil {
				t.Fatal(err)
			}
			p.wantOrder("name", false, peopleByName)
		})
	}
}
