package config

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/BurntSushi/toml"
	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"

	"countersign"
	"countersign/internal/textfile"
)

// A File holds the settings of a TOML file.
type File struct {
	path   string
	values map[string]any
}

// ReadFile reads the file at path; with an empty path it returns no file. flags are
// the names of the settings allowed in it; any other is an error.
func ReadFile(path string, flags []string) (*File, []countersign.Preference, error) {
	f := &File{path: path, values: map[string]any{}}
	if path == "" {
		return f, nil, nil
	}
	text, err := textfile.Read(path)
	if err != nil {
		return nil, nil, wrong("--config", "%s cannot be read: %v", path, cause(err))
	}
	var all map[string]any
	if err := toml.Unmarshal([]byte(text), &all); err != nil {
		var parse toml.ParseError
		if errors.As(err, &parse) {
			return nil, nil, wrong("--config", "%s, line %d: %s", path, parse.Position.Line, parse.Message)
		}
		return nil, nil, wrong("--config", "%s: %v", path, err)
	}
	declared, err := declaredIn(path, text)
	if err != nil {
		return nil, nil, err
	}
	for key, value := range all {
		if key == "preference" {
			continue
		}
		if !slices.Contains(flags, key) {
			return nil, nil, wrong("--config", "%s has an unknown key %q%s", path, key, nearest(key, flags))
		}
		f.values[key] = value
	}
	return f, declared, nil
}

// nearest returns the known key that was probably meant.
func nearest(key string, known []string) string {
	best, least := "", 4
	for _, k := range known {
		if d := levenshtein.ComputeDistance(key, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// declaredIn reads the [[preference]] tables: the applications' own preferences (M6).
func declaredIn(path, text string) ([]countersign.Preference, error) {
	var file struct {
		Preference []struct {
			Code, Name, Kind, Hint string
			Default                any
			Min, Max               int
			Values                 []string
		}
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return nil, wrong("--config", "%s: [[preference]]: %v", path, err)
	}
	for _, key := range meta.Undecoded() {
		if key[0] == "preference" {
			return nil, wrong("--config", "%s has an unknown key %q", path, key.String())
		}
	}
	var all []countersign.Preference
	for _, d := range file.Preference {
		p := countersign.Preference{Code: d.Code, Name: d.Name, Kind: countersign.PreferenceKind(d.Kind), Hint: d.Hint,
			Default: defaultText(d.Default), Min: d.Min, Max: d.Max, Values: d.Values, Own: true}
		if p.Max == 0 {
			p.Max = map[countersign.PreferenceKind]int{countersign.PreferenceDays: 365, countersign.PreferenceNumber: 1_000_000}[p.Kind]
		}
		if err := p.CheckDeclared(); err != nil {
			return nil, &Error{Setting: "--config", Problem: path, Err: err}
		}
		if slices.ContainsFunc(all, func(o countersign.Preference) bool { return o.Code == p.Code }) {
			return nil, wrong("--config", "%s declares the preference %s twice", path, p.Code)
		}
		all = append(all, p)
	}
	return all, nil
}

// defaultText returns a default as it is stored: true and false become On and Off.
func defaultText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "On", false: "Off"}[v]
	default:
		return fmt.Sprint(v)
	}
}

// Resolver gives kong the values of the file; flags and environment override them.
func (f *File) Resolver() kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil // the environment overrides the file
			}
		}
		value, ok := f.values[flag.Name]
		if !ok {
			return nil, nil
		}
		if list, ok := value.([]any); ok {
			return list, nil
		}
		return fmt.Sprint(value), nil
	})
}
