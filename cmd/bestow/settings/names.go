package settings

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bestow/internal/spelling"
)

// notYet are settings that belong to the product and that this version does not know.
var notYet = []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}

// Setting is a name that the environment may give a value: with its default, and what it means.
type Setting struct{ Name, Standard, Help string }

// ours are the beginnings of names that nothing but a setting has: one that means nothing stops the start.
var ours = []string{"BESTOW_", "KAFKA_"}

// serviceLink is a variable that Kubernetes makes of a service's name.
var serviceLink = regexp.MustCompile(`^[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_[0-9]+_(TCP|UDP)(_.+)?)$`)

// unknownSettings refuses what would do nothing, silently: a BESTOW_ or KAFKA_ name that is none of ours, one of a
// later version, and a file for a setting that is read from the environment alone. further are settings that others
// give a meaning.
func unknownSettings(environ []string, further ...string) error {
	known := slices.Concat(clientNames, further)
	for _, s := range List() {
		known = append(known, s.Name)
	}
	var errs []error
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if why := useless(name, known); why != "" {
			errs = append(errs, fmt.Errorf("%s %s", name, why))
		}
	}
	return errors.Join(errs...)
}

// useless says why a name has no effect, "" for a setting and for what is not ours.
func useless(name string, known []string) string {
	of, isFile := strings.CutSuffix(name, "_FILE")
	switch {
	case slices.Contains(notYet, name):
		return "is not supported in this version: it would have no effect, so unset it"
	case slices.Contains(known, name), strings.HasPrefix(name, "BESTOW_TEST_"):
		return ""
	case isFile && slices.Contains(known, of):
		return "is not read: set " + of + " itself"
	case !slices.ContainsFunc(ours, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
		return ""
	case serviceLink.MatchString(name):
		return "is no setting: if Kubernetes made it of a service, set enableServiceLinks to false"
	}
	return "is no setting: " + meant(name, append(slices.Clone(known), notYet...))
}

// meant is the nearest known name, where one is near.
func meant(name string, known []string) string {
	near := spelling.Nearest(name, known)
	switch {
	case strings.HasPrefix(name, "KAFKA_"):
		near = spelling.Nearest(name,
			slices.DeleteFunc(known, func(k string) bool { return !strings.HasPrefix(k, "KAFKA_") }))
	case spelling.Distance(name, near) > (len(name)-len("BESTOW_"))/2:
		return "`bestow serve --help` lists all"
	}
	if slices.Contains(notYet, near) {
		return "the nearest is " + near + ", which this version does not support yet"
	}
	return "did you mean " + near + "?"
}

// checkBrokers refuses what is no host:port. It does not repeat it, since a URL may hold a password.
func checkBrokers(brokers []string) error {
	for i, broker := range brokers {
		host, port, err := net.SplitHostPort(broker)
		n, notNumber := strconv.Atoi(port)
		if err != nil || notNumber != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "/@ ") {
			return fmt.Errorf("KAFKA_BROKERS: entry %d is not host:port, such as kafka:9092", i+1)
		}
	}
	return nil
}
