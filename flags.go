package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// faultOf says what is wrong with a command line, or with a setting from the environment, and quotes no value: it may be a secret.
func faultOf(parser *kong.Kong, err error) string {
	text := err.Error()
	for _, flag := range flagsBelow(parser.Model.Node) {
		rest, ok := strings.CutPrefix(text, "--"+flag.Name)
		if !ok || !strings.HasPrefix(rest, ":") && !strings.HasPrefix(rest, " must be one of ") {
			continue
		}
		name := "--" + flag.Name
		if len(flag.Envs) > 0 {
			name = flag.Envs[0] // also when it came as a flag, which is named likewise
		}
		return fmt.Sprintf("%s: it must be %s", name, wanted(flag))
	}
	if missing, ok := strings.CutPrefix(text, "expected "); ok {
		return "an argument is missing: " + strings.Trim(missing, `"`)
	}
	if i := slices.IndexFunc(quotesNothing, func(r *regexp.Regexp) bool { return r.MatchString(text) }); i >= 0 {
		return text
	}
	if unknown := unknownFlag.FindString(text); unknown != "" {
		return unknown + "; maskline --help lists the flags"
	}
	return "the command line is not understood: an argument is unexpected; maskline --help lists the commands"
}

var (
	quotesNothing = []*regexp.Regexp{
		regexp.MustCompile(`^missing flags: `), regexp.MustCompile(`^missing positional arguments `),
		regexp.MustCompile(`^--[a-z-]+ and --[a-z-]+ can't be used together$`),
		regexp.MustCompile(`^unknown flag --[a-z0-9-]{1,40}, did you mean `), regexp.MustCompile(`^unexpected argument [a-z-]{1,20}, did you mean `),
	}
	unknownFlag = regexp.MustCompile(`^unknown flag --?[a-z-]{1,40}`)
)

// flagsBelow are the flags of a command and of those below it.
func flagsBelow(node *kong.Node) []*kong.Flag {
	flags := slices.Clone(node.Flags)
	for _, child := range node.Children {
		flags = append(flags, flagsBelow(child)...)
	}
	return flags
}

// wanted says of which form a value must be.
func wanted(flag *kong.Flag) string {
	switch {
	case flag.Enum != "":
		return "one of " + strings.Join(strings.FieldsFunc(flag.Enum, func(r rune) bool { return r == ',' }), ", ")
	case flag.Target.Type() == reflect.TypeFor[time.Duration]():
		return "a duration with its unit, such as 30s, 5m or 24h"
	}
	switch flag.Target.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number, such as 7"
	case reflect.Float64:
		return "a number, such as 1.5"
	}
	return "followed by a value"
}
