package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed static/*
var assets embed.FS

// contentTypes maps file extensions to types. No other files are served.
var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// A file is one static file.
type file struct {
	body []byte
	tag  string // hash of its contents
}

// files holds all static files by name.
var files = readFiles()

func readFiles() map[string]file {
	all := map[string]file{}
	names, err := assets.ReadDir("static")
	if err != nil {
		panic(err) // embedded at build time
	}
	for _, f := range names {
		body, err := assets.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		all[f.Name()] = file{body, hex.EncodeToString(sum[:8])}
	}
	return all
}

// asset returns the address of a file as pages name it. It changes with the contents, so that no
// page is shown with the styles of an older version.
func asset(name string) string {
	f, ok := files[name]
	if !ok {
		panic("no asset " + name) // a template names a file that is not embedded
	}
	return "/static/" + name + "?v=" + f.tag
}

// static serves styles, script and pictures. Browsers cache the versioned address for good and
// revalidate the plain one each time. missing answers for all other paths.
func static(missing http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/static/")
		f, ok := files[name]
		if !ok {
			missing.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentTypes[path.Ext(name)])
		h.Set("Cache-Control", "no-cache")
		if r.URL.Query().Get("v") == f.tag {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		h.Set("ETag", `"`+f.tag+`"`)
		if r.Header.Get("If-None-Match") == `"`+f.tag+`"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(f.body)
	})
}
