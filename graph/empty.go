package graph

import (
	"reflect"

	"entgo.io/ent/dialect/sql"
)

// An empty list in a filter matches nothing. entgql skips it, so that it would match everything.

// settled adds to a where, and to each where inside it, a condition that no row meets if one of its lists is empty. It returns the where.
func settled[W any](where *W) *W {
	if where != nil {
		settle(reflect.ValueOf(where).Elem())
	}
	return where
}

// conditionsField is the field of each where input of ent's that holds conditions which are not the client's.
const conditionsField = "Predicates"

func settle(where reflect.Value) {
	conditions := where.FieldByName(conditionsField)
	if !conditions.IsValid() {
		return // a pointer to a time, for example
	}
	isEmpty := false
	for i := range where.NumField() {
		switch f := where.Field(i); {
		case f.Kind() == reflect.Pointer && f.Elem().Kind() == reflect.Struct:
			settle(f.Elem())
		case f.Kind() == reflect.Slice && !f.IsNil():
			isEmpty = isEmpty || f.Len() == 0
			settleEach(f)
		}
	}
	if isEmpty {
		never := reflect.ValueOf(func(s *sql.Selector) { s.Where(sql.False()) }).Convert(conditions.Type().Elem())
		conditions.Set(reflect.Append(conditions, never))
	}
}

func settleEach(list reflect.Value) {
	for i := range list.Len() {
		if one := list.Index(i); one.Kind() == reflect.Pointer && one.Elem().Kind() == reflect.Struct {
			settle(one.Elem())
		}
	}
}
