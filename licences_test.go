package bestow

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// licence is a kind of licence that a module of the binary may have, and the words of its text by which it is known.
type licence struct {
	name  string
	words []string
}

// licences are the kinds that ask no more of us than to repeat their text, which NOTICE does; MPL-2.0 also asks that a
// change of its files is published, and we change none. The first that fits is taken, so the longer ones come first.
var licences = []licence{
	{"Apache-2.0", []string{"Apache License", "Version 2.0, January 2004"}},
	{"MPL-2.0", []string{"Mozilla Public License", "2.0"}},
	{"BSD-3-Clause", []string{"Redistributions of source code must retain", "Redistributions in binary form must reproduce", "Neither the name"}},
	{"BSD-3-Clause", []string{"Redistributions of source code must retain", "Redistributions in binary form must reproduce", "may be used to endorse"}},
	{"BSD-2-Clause", []string{"Redistributions of source code must retain", "Redistributions in binary form must reproduce"}},
	{"MIT", []string{"Permission is hereby granted, free of charge", "The above copyright notice and this permission notice shall be included"}},
	{"ISC", []string{"Permission to use, copy, modify, and", "distribute this software for any purpose with or without fee"}},
	{"CC0-1.0", []string{"CC0 1.0 Universal"}},
	{"public domain", []string{"been put into the public domain"}},
	{"public domain", []string{"This is free and unencumbered software released into the public domain"}},
}

// kindOf returns the kind of a licence's text, "" for one that is not allowed.
func kindOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, forbidden := range []string{"GNU GENERAL PUBLIC LICENSE", "GNU AFFERO", "GNU LESSER", "Business Source License", "Server Side Public License"} {
		if strings.Contains(strings.ToUpper(text), strings.ToUpper(forbidden)) && !strings.Contains(text, "Mozilla Public License") {
			return "" // the text of the MPL names those that it goes with
		}
	}
	for _, l := range licences {
		if !slices.ContainsFunc(l.words, func(w string) bool { return !strings.Contains(text, w) }) {
			return l.name
		}
	}
	return ""
}

// module is a module that is linked into the binary.
type module struct{ path, version, dir string }

// linked lists the modules of the binary on the platforms that it is built for.
func linked(t *testing.T) []module {
	t.Helper()
	found := map[module]bool{}
	for _, platform := range []string{"linux", "darwin"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps",
			"-f", "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}", "./cmd/bestow")
		cmd.Env = append(os.Environ(), "GOOS="+platform, "GOARCH=amd64", "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 && f[0] != "bestow" {
				found[module{f[0], f[1], f[2]}] = true
			}
		}
	}
	var all []module
	for m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return all
}

var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice)`)

// texts returns the texts that a module asks to be repeated: its licences, and its notice if it has one.
func texts(t *testing.T, m module) (all []string) {
	t.Helper()
	files, err := os.ReadDir(m.dir)
	require.NoError(t, err)
	for _, f := range files {
		if f.IsDir() || !licenceFile.MatchString(f.Name()) {
			continue
		}
		body, err := os.ReadFile(filepath.Join(m.dir, f.Name()))
		require.NoError(t, err)
		lines := strings.Split(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
		for i, line := range lines {
			lines[i] = strings.TrimRight(line, " \t\f")
		}
		all = append(all, strings.Trim(strings.Join(lines, "\n"), "\n"))
	}
	return all
}

// NOTICE has the licence of every module in the binary, each of an allowed kind. After a change of go.mod,
// BESTOW_TEST_GOLDEN=1 writes it.
func TestNoticeHasEveryLicence(t *testing.T) {
	t.Parallel()
	var page, rest bytes.Buffer
	page.WriteString("bestow contains these modules, each under its own licence. The texts follow.\n\n")
	modulesOf := map[string][]string{}
	var inOrder []string
	for _, m := range linked(t) {
		var kinds []string
		for _, text := range texts(t, m) {
			if kind := kindOf(text); kind != "" && !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
			if modulesOf[text] == nil {
				inOrder = append(inOrder, text)
			}
			modulesOf[text] = append(modulesOf[text], m.path)
		}
		require.NotEmpty(t, kinds, "%s has no licence of an allowed kind: read it, and add the kind or leave the module", m.path)
		fmt.Fprintf(&page, "%-62s %-40s %s\n", m.path, m.version, strings.Join(kinds, ", "))
	}
	for _, text := range inOrder {
		fmt.Fprintf(&rest, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(modulesOf[text], "\n"), text)
	}
	page.Write(rest.Bytes())
	if os.Getenv("BESTOW_TEST_GOLDEN") != "" {
		require.NoError(t, os.WriteFile("NOTICE", page.Bytes(), 0o600))
	}
	kept, err := os.ReadFile("NOTICE")
	require.NoError(t, err)
	require.True(t, bytes.Equal(page.Bytes(), kept), "NOTICE is not that of go.mod: BESTOW_TEST_GOLDEN=1 go test -run TestNotice . writes it")
}

// A licence that asks for more than its text is not allowed, and neither is one that is not known.
func TestLicencesAreTold(t *testing.T) {
	t.Parallel()
	mit := "Permission is hereby granted, free of charge, to any person …\nThe above copyright notice and this permission\n notice shall be included"
	for text, kind := range map[string]string{
		mit: "MIT", "                    GNU GENERAL PUBLIC LICENSE\n Version 3 " + mit: "",
		"GNU Affero General Public License": "", "Business Source License 1.1": "", "All rights reserved.": "",
		"Apache License\n Version 2.0, January 2004":                                         "Apache-2.0",
		"Mozilla Public License Version 2.0 … the GNU General Public License, Version 2.0 …": "MPL-2.0",
	} {
		require.Equal(t, kind, kindOf(text), text)
	}
}
