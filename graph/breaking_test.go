package graph_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// breaking is what clients of one schema miss in another, each in a line.
func breaking(before, now *ast.Schema) (broken []string) {
	for _, name := range slices.Sorted(maps.Keys(before.Types)) {
		old, def := before.Types[name], now.Types[name]
		switch {
		case strings.HasPrefix(name, "__"):
		case def == nil || def.Kind != old.Kind:
			broken = append(broken, name+" is gone")
		default:
			broken = append(broken, brokenIn(old, def)...)
		}
	}
	return broken
}

func brokenIn(old, def *ast.Definition) (broken []string) {
	for _, i := range old.Interfaces {
		if !slices.Contains(def.Interfaces, i) {
			broken = append(broken, old.Name+" implements "+i+" no more")
		}
	}
	for _, v := range old.EnumValues {
		if def.EnumValues.ForName(v.Name) == nil {
			broken = append(broken, old.Name+"."+v.Name+" is gone")
		}
	}
	if old.Kind == ast.InputObject {
		return append(broken, brokenInputs(inputsOf(old), inputsOf(def), func(f string) string { return old.Name + "." + f })...)
	}
	for _, f := range old.Fields {
		name, field := old.Name+"."+f.Name, def.Fields.ForName(f.Name)
		if field == nil || !stricter(field.Type, f.Type) {
			broken = append(broken, name+": "+f.Type.String()+" is gone")
			continue
		}
		broken = append(broken, brokenInputs(argumentsOf(f), argumentsOf(field), func(a string) string { return name + "(" + a + ")" })...)
	}
	return broken
}

// given is something that a client gives: an argument or a field of an input.
type given struct {
	kind *ast.Type
	def  string // its default
}

func inputsOf(d *ast.Definition) map[string]given {
	all := map[string]given{}
	for _, f := range d.Fields {
		all[f.Name] = given{f.Type, text(f.DefaultValue)}
	}
	return all
}

func argumentsOf(f *ast.FieldDefinition) map[string]given {
	all := map[string]given{}
	for _, a := range f.Arguments {
		all[a.Name] = given{a.Type, text(a.DefaultValue)}
	}
	return all
}

func text(v *ast.Value) string {
	if v == nil {
		return ""
	}
	return v.String()
}

func brokenInputs(old, now map[string]given, name func(string) string) (broken []string) {
	for _, n := range slices.Sorted(maps.Keys(old)) {
		in, there := now[n]
		switch {
		case !there || !stricter(old[n].kind, in.kind):
			broken = append(broken, name(n)+": "+old[n].kind.String()+" is gone")
		case in.def != old[n].def:
			broken = append(broken, name(n)+" has another default")
		}
	}
	for _, n := range slices.Sorted(maps.Keys(now)) {
		if _, known := old[n]; !known && now[n].kind.NonNull && now[n].def == "" {
			broken = append(broken, name(n)+" is demanded")
		}
	}
	return broken
}

// stricter tells whether each value of a type is one of another.
func stricter(a, b *ast.Type) bool {
	if b.NonNull && !a.NonNull || (a.Elem == nil) != (b.Elem == nil) || a.NamedType != b.NamedType {
		return false
	}
	return a.Elem == nil || stricter(a.Elem, b.Elem)
}
