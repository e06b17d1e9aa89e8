package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
	"countersign/internal/policy"
	"countersign/internal/textfile"
)

type userCmd struct {
	Add     userAdd            `cmd:"" help:"Add a user."`
	List    userList           `cmd:"" help:"List the users."`
	Show    userShow           `cmd:"" help:"Show a user."`
	Edit    userEdit           `cmd:"" help:"Change a user."`
	Import  userImport         `cmd:"" help:"Add the users of a CSV file, all or none."`
	Disable userDisable        `cmd:"" help:"Disable a user."`
	Enable  userEnable         `cmd:"" help:"Let a disabled user sign in again."`
	Remove  userRemove         `cmd:"" help:"Erase a user; the audit log stays."`
	Code    userEnrollmentCode `cmd:"" name:"enrollment-code" help:"Make a one-use code with which a user begins set-up; who is set up is reset."`
	Reset   userReset          `cmd:"" name:"reset-two-factor" help:"Reset/Disable 2 Factor Authentication of a user."`
}

// An inAgency is the flag of every command that works on an agency.
type inAgency struct {
	Agency string `help:"Code of the agency; may be left out where there is one."`
}

type userAdd struct {
	inAgency
	ID           string   `name:"id" required:"" help:"User ID, for example BSMITH."`
	Name         string   `required:"" help:"Name, for example \"Bob Smith\"."`
	Email        string   `help:"Email address."`
	Mobile       string   `help:"Mobile number, 10 digits."`
	Right        []string `sep:"none" help:"Right by its full name; repeatable."`
	Group        []string `help:"Group; repeatable."`
	PasswordFile string   `name:"password-file" help:"File with the password, - for standard input. Without it the user gets an activation link by mail."`
	JSON         bool     `name:"json" help:"Print the user as JSON."`
}

// Run adds the user.
func (cmd userAdd) Run(s *config.Settings, c *console) error {
	password, err := readPassword(cmd.PasswordFile, c.in)
	if err != nil {
		return err
	}
	if password == "" && s.PublicURL == "" {
		if _, err := s.Public(); err != nil {
			return err // the activation link is built from it
		}
	}
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		u, err := h.admin.AddUser(ctx, v, operator, admin.NewUser{Login: cmd.ID, Name: cmd.Name, Email: cmd.Email, Mobile: cmd.Mobile,
			Rights: rights(cmd.Right), Groups: cmd.Group, Password: password})
		if err != nil {
			return err
		}
		if cmd.JSON {
			return c.json(userView(u))
		}
		told := ""
		if password == "" {
			told = "The link to choose a password goes to " + u.Email
		}
		return c.table([][]string{{"Added", u.Login, u.Name, told}})
	})
}

// maxPasswordFile is the size limit of a file with a password, in bytes.
const maxPasswordFile = 4096

// readPassword reads the first line of a file, or of standard input.
func readPassword(file string, in io.Reader) (string, error) {
	if file == "" {
		return "", nil
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", &config.Error{Setting: "--password-file", Problem: err.Error()}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPasswordFile+1))
	if err == nil && len(data) > maxPasswordFile {
		err = fmt.Errorf("it has more than %d bytes; the first line is the password", maxPasswordFile)
	}
	text := ""
	if err == nil {
		text, err = textfile.Decode(data)
	}
	if err != nil {
		return "", &config.Error{Setting: "--password-file", Problem: err.Error()}
	}
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimRight(line, "\r")
	if line == "" {
		return "", &config.Error{Setting: "--password-file", Problem: "it is empty"}
	}
	return line, nil
}

func rights(names []string) []countersign.Right {
	var all []countersign.Right
	for _, n := range names {
		all = append(all, countersign.Right(n))
	}
	return all
}

type userList struct {
	inAgency
	Find string `help:"Only users with this in name, user ID or email."`
	JSON bool   `name:"json" help:"Print the users as JSON."`
}

// Run lists all users, page by page, in the order of their user IDs.
func (cmd userList) Run(s *config.Settings, c *console) error {
	return withExisting(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		views, rows := []userJSON{}, [][]string{{"USER ID", "NAME", "EMAIL", "SET-UP", "DEFAULT", "RIGHTS"}}
		q := admin.Query{Text: cmd.Find, Sort: "login", Limit: 500}
		for {
			page, err := h.admin.Users(ctx, v, operator, q)
			if err != nil {
				return err
			}
			for _, u := range page.Rows {
				j := userView(u.User)
				j.State, j.Default = u.State, string(u.Default)
				views = append(views, j)
				rows = append(rows, []string{u.Login, u.Name, u.Email, setUp[u.State], string(u.Default), fmt.Sprint(len(u.Rights))})
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		if cmd.JSON {
			return c.json(views)
		}
		return c.table(rows)
	})
}

type userShow struct {
	inAgency
	ID   string `name:"id" required:"" help:"User ID."`
	JSON bool   `name:"json" help:"Print the user as JSON."`
}

// Run shows the user.
func (cmd userShow) Run(s *config.Settings, c *console) error {
	return withExisting(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		p, err := h.admin.User(ctx, v, operator, cmd.ID)
		if err != nil {
			return err
		}
		j := userView(p.User)
		j.State, j.Default = p.State, string(policy.Default(p.Factors).Method)
		for _, f := range p.Factors {
			j.Methods = append(j.Methods, string(f.Method))
			for _, p := range f.Passkeys {
				j.Passkeys = append(j.Passkeys, p.Name)
			}
		}
		if cmd.JSON {
			return c.json(j)
		}
		reset := ""
		if !p.User.ResetUntil.IsZero() {
			reset = p.User.ResetUntil.Format(time.RFC3339)
		}
		return c.facts([][2]string{{"User ID", j.ID}, {"Name", j.Name}, {"Email", j.Email}, {"Mobile", j.Mobile}, {"Groups", strings.Join(j.Groups, ", ")},
			{"Rights", strings.Join(j.Rights, ", ")}, {"Disabled", map[bool]string{true: "yes", false: "no"}[j.Disabled]}, {"Set-up", setUp[j.State]}, {"Set-up open until", reset},
			{"Methods", strings.Join(j.Methods, ", ")}, {"Passkeys", strings.Join(j.Passkeys, ", ")}, {"Default", j.Default}, {"Remembered devices", fmt.Sprint(len(p.Devices))}, {"Sessions", fmt.Sprint(len(p.Sessions))}})
	})
}

type userEdit struct {
	inAgency
	ID          string   `name:"id" required:"" help:"User ID."`
	Name        *string  `help:"New name."`
	Email       *string  `help:"New email address."`
	Mobile      *string  `help:"New mobile number."`
	AddRight    []string `name:"add-right" sep:"none" help:"Right to give; repeatable."`
	RemoveRight []string `name:"remove-right" sep:"none" help:"Right to take; repeatable."`
	AddGroup    []string `name:"add-group" help:"Group to add; repeatable."`
	RemoveGroup []string `name:"remove-group" help:"Group to remove; repeatable."`
	Reason      string   `help:"Why; it is kept in the audit log."`
	JSON        bool     `name:"json" help:"Print the user as JSON."`
}

// Run changes the user.
func (cmd userEdit) Run(s *config.Settings, c *console) error {
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		u, err := h.admin.EditUser(ctx, v, operator, cmd.ID, admin.Change{Version: admin.AnyVersion, Name: cmd.Name, Email: cmd.Email, Mobile: cmd.Mobile,
			AddRights: rights(cmd.AddRight), RemoveRights: rights(cmd.RemoveRight), AddGroups: cmd.AddGroup, RemoveGroups: cmd.RemoveGroup, Reason: cmd.Reason})
		if err != nil {
			return err
		}
		if cmd.JSON {
			return c.json(userView(u))
		}
		return c.table([][]string{{"Saved", u.Login, u.Name}})
	})
}

type userReset struct {
	inAgency
	ID     string `name:"id" required:"" help:"User ID."`
	Reason string `required:"" help:"Why; it is kept in the audit log and told to the user."`
}

// Run resets the user.
func (cmd userReset) Run(s *config.Settings, c *console) error {
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		told, err := h.admin.ResetTwoFactor(ctx, v, operator, cmd.ID, cmd.Reason)
		if err != nil {
			return err
		}
		until := v.Now.Add(policy.ResetLife).Format(time.RFC3339)
		return c.table([][]string{{"Reset", strings.ToUpper(cmd.ID), "set-up is open until " + until, "told: " + strings.Join(told, ", ")}})
	})
}
