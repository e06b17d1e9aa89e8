package apptest

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// A meeting makes two transactions overlap between their reads and writes: the first waits before
// its write until the second has come as far, or waits for a lock that the first one holds.
type meeting struct {
	write string // prefix of the statement that writes

	mu    sync.Mutex
	armed bool
	locks int
	wrote int
	over  chan struct{}
}

func (m *meeting) arm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed, m.locks, m.wrote, m.over = true, 0, 0, make(chan struct{})
}

// statement is called before a statement is sent.
func (m *meeting) statement(query string) {
	m.mu.Lock()
	writes := m.armed && strings.Contains(query, m.write)
	switch {
	case writes:
		m.wrote++
	case m.armed && (strings.Contains(query, "pg_advisory_xact_lock(") || strings.Contains(query, "UPDATE agency SET name = name")):
		m.locks++
	}
	if m.armed && (m.wrote == 2 || m.locks == 2) {
		m.armed = false
		close(m.over)
	}
	over := m.over
	m.mu.Unlock()
	if writes {
		<-over
	}
}

func (m *meeting) through(c driver.Connector) driver.Connector { return meetingConnector{c, m} }

type meetingConnector struct {
	driver.Connector
	m *meeting
}

func (c meetingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return meetingConn{faultyConn{conn, &Faults{}}, c.m}, nil
}

type meetingConn struct {
	faultyConn
	m *meeting
}

func (c meetingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.m.statement(query)
	return c.faultyConn.ExecContext(ctx, query, args)
}

// meet runs two operations concurrently: on PostgreSQL both have read before either writes, unless
// one waits for the other. On SQLite one transaction writes at a time.
func meet(t *testing.T, write string, f func(t *testing.T, h *App, together func(...func() error) []error)) {
	t.Helper()
	t.Parallel()
	run := func(t *testing.T, url string, barrier bool) {
		t.Parallel()
		m := &meeting{write: write}
		h := Open(t, url, store.Through(m.through))
		f(t, h, func(all ...func() error) []error {
			if barrier {
				m.arm()
			}
			errs := make([]error, len(all))
			var group sync.WaitGroup
			for i, do := range all {
				group.Go(func() { errs[i] = do() })
			}
			group.Wait()
			return errs
		})
	}
	t.Run("SQLite", func(t *testing.T) { run(t, SQLite(t), false) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, PostgreSQL(t), true) })
}

// wantOne fails unless one of two operations succeeded and the other was refused with code.
func wantOne(t *testing.T, errs []error, code string) {
	t.Helper()
	if (errs[0] == nil) == (errs[1] == nil) || countersign.CodeOf(errs[0])+countersign.CodeOf(errs[1]) != code {
		t.Errorf("at once: %v", errs)
	}
}

// Of two new users with one address, added concurrently, one gets it.
func TestOneAddressOfTwoNewUsersAtOnce(t *testing.T) {
	meet(t, "INSERT INTO users", func(t *testing.T, h *App, together func(...func() error) []error) {
		add := func(login, email string) func() error {
			return func() error {
				_, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: login, Name: "A User", Email: email, Password: Password})
				return err
			}
		}
		wantOne(t, together(add("BSMITH", "team@demo.example"), add("CBILLS", "Team@demo.example")), "email.taken")
		file := func() error {
			done, err := h.Admin.ImportUsers(t.Context(), h.Visit(), Operator, admin.Import{Text: []byte("user_id,name,email\nONE,One,crew@demo.example\n")})
			for _, p := range done.Problems {
				err = p.Err
			}
			return err
		}
		wantOne(t, together(add("JJONES", "crew@demo.example"), file), "email.taken")
	})
}

// Of two users whose address is changed to the same one concurrently, one gets it.
func TestOneAddressOfTwoEditsAtOnce(t *testing.T) {
	meet(t, "UPDATE users SET name", func(t *testing.T, h *App, together func(...func() error) []error) {
		h.User("BSMITH")
		h.User("CBILLS")
		edit := func(login, email string) func() error {
			return func() error {
				_, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, login, admin.Change{Version: admin.AnyVersion, Email: &email})
				return err
			}
		}
		wantOne(t, together(edit("BSMITH", "team@demo.example"), edit("CBILLS", "TEAM@demo.example")), "email.taken")
	})
}

// Of two users who verify the same new address in their profiles concurrently, one gets it.
func TestOneAddressOfTwoProfilesAtOnce(t *testing.T) {
	meet(t, "UPDATE users SET name", func(t *testing.T, h *App, together func(...func() error) []error) {
		var posts []func() error
		for i, login := range []string{"BSMITH", "CBILLS"} {
			h.User(login)
			b := h.Browser(fmt.Sprintf("192.0.2.%d", 10+i), Chrome)
			b.Enroll(login)
			b.Get("/profile/email")
			wantAt(t, b.Post("/profile/email", "email", "team@demo.example", "password", Password), 200, "/profile/email")
			token := h.Token("team@demo.example")
			posts = append(posts, func() error {
				if p := b.Send("/profile/email/token", "token", token); p.Status != 303 {
					return fmt.Errorf("%d %s", p.Status, p.Text())
				}
				return nil
			})
		}
		errs := together(posts...)
		if (errs[0] == nil) == (errs[1] == nil) || !strings.Contains(fmt.Sprint(errs), "in use by another user ID") {
			t.Errorf("at once: %v", errs)
		}
	})
}

// Users who verify one number concurrently do not share it beyond the limit.
func TestOneNumberOfTwoUsersAtOnce(t *testing.T) {
	meet(t, "INSERT INTO factor", func(t *testing.T, h *App, together func(...func() error) []error) {
		h.Set("PHONESHARE", "1")
		var posts []func() error
		for i, login := range []string{"BSMITH", "CBILLS"} {
			h.User(login)
			b := h.Browser(fmt.Sprintf("192.0.2.%d", 10+i), Chrome)
			b.SignIn(login)
			email := strings.ToLower(login) + "@demo.example"
			b.Post("/set-up/email", "email", email)
			b.Post("/set-up/email/token", "token", h.Token(email))
			b.Get("/set-up/sms")
			wantAt(t, b.Post("/set-up/sms", "phone", "6145550112"), 200, "/set-up/sms")
			token := h.Token("+16145550112")
			posts = append(posts, func() error {
				if p := b.Send("/set-up/sms/token", "token", token); p.Status != 303 || !strings.HasPrefix(p.Location, "/set-up") {
					return fmt.Errorf("%d %s %s", p.Status, p.Location, p.Text())
				}
				return nil
			})
		}
		errs := together(posts...)
		if (errs[0] == nil) == (errs[1] == nil) || !strings.Contains(fmt.Sprint(errs), "That number is used by 1 other user already") {
			t.Errorf("at once: %v", errs)
		}
	})
}

// Two commands that change an agency concurrently both take effect, and the code of another agency
// is refused with a sentence.
func TestTwoEditsOfAnAgencyAtOnce(t *testing.T) {
	meet(t, "UPDATE agency SET code", func(t *testing.T, h *App, together func(...func() error) []error) {
		edit := func(c admin.AgencyChange) func() error {
			return func() error {
				_, err := h.Admin.EditAgency(t.Context(), h.Now(), h.Agency.ID, c, "")
				return err
			}
		}
		name, zone := "Acme Insurance", "America/New_York"
		if errs := together(edit(admin.AgencyChange{Name: &name}), edit(admin.AgencyChange{Zone: &zone})); errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		a, err := h.DB.Agency(t.Context(), h.Agency.ID)
		if err != nil || a.Name != name || a.Zone != zone {
			t.Errorf("kept: %q in %q, %v", a.Name, a.Zone, err)
		}
		if _, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "ACME", Name: "Acme"}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Admin.RenameAgency(t.Context(), h.Now(), h.Agency.ID, "ACME", name, ""); countersign.CodeOf(err) != "agency.code_taken" {
			t.Errorf("another agency's code: %v", err)
		}
	})
}
