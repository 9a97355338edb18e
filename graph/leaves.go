package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/graph/scalar"
	"github.com/maskline/maskline/phone"
)

// leaf compares a value with a scalar or an enum.
func (c *coercion) leaf(def *ast.Definition, value any, where at) {
	fault := scalars[def.Name]
	if def.Kind == ast.Enum {
		fault = func(v any) string { return enumFault(def, v) }
	}
	if fault == nil {
		return
	}
	why := fault(value)
	if strings.HasPrefix(why, must) {
		why = where.String() + why
	}
	if why != "" {
		c.faults.Add(where.String(), why)
	}
}

// must begins what is wrong with a value that is named before it. What begins otherwise is a sentence.
const must = " must be "

func enumFault(def *ast.Definition, value any) string {
	name, isText := value.(string)
	if literal, ok := value.(enumValue); ok {
		name, isText = string(literal), true
	}
	var names []string
	for _, v := range def.EnumValues {
		names = append(names, v.Name)
	}
	if isText && slices.Contains(names, name) {
		return ""
	}
	return must + fmt.Sprintf("one of %s, not %s.", strings.Join(names, ", "), shown(value))
}

// scalars say what is wrong with a value of each scalar, or nothing.
var scalars = map[string]func(any) string{
	"Int":     intFault,
	"String":  func(v any) string { _, ok := v.(string); return unless(ok, "a text", v) },
	"Boolean": func(v any) string { _, ok := v.(bool); return unless(ok, "true or false", v) },
	"ID": func(v any) string {
		_, isText := v.(string)
		return unless(isText || intFault(v) == "", "an id", v)
	},
	"PhoneNumber": func(v any) string { return says(new(phone.Number).UnmarshalGQL(plain(v))) },
	"Time":        func(v any) string { _, err := scalar.UnmarshalTime(plain(v)); return says(err) },
	"Cursor":      func(v any) string { _, err := scalar.UnmarshalCursor(plain(v)); return says(err) },
}

func unless(ok bool, wanted string, v any) string {
	if ok {
		return ""
	}
	return must + fmt.Sprintf("%s, not %s.", wanted, shown(v))
}

func says(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// plain is a value of which a scalar takes nothing but a text.
func plain(v any) any {
	if _, ok := v.(string); ok {
		return v
	}
	return nil
}

func intFault(v any) string {
	text, isNumber := v.(json.Number)
	_, err := strconv.ParseInt(string(text), 10, 32)
	if isNumber && errors.Is(err, strconv.ErrRange) {
		return unless(false, fmt.Sprintf("a whole number from %d to %d", math.MinInt32, math.MaxInt32), v)
	}
	return unless(isNumber && err == nil, "a whole number", v)
}

const mostShown = 40 // characters of a value

// shown is a value as the client wrote it.
func shown(v any) string {
	switch one := v.(type) {
	case enumValue:
		return string(one)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "this"
	}
	if text := []rune(string(b)); len(text) > mostShown {
		return string(text[:mostShown]) + "…"
	}
	return string(b)
}
