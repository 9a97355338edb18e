package graph

import (
	"fmt"

	"github.com/maskline/maskline/phone"
)

// inputs is how large the arguments of a field are, wherever they are written: in the operation or in its variables.
type inputs struct {
	conditions, nesting int

	longest string // the name of the longest list
	length  int    // of that list
}

func (i inputs) with(other inputs) inputs {
	both := inputs{max(i.conditions, other.conditions), max(i.nesting, other.nesting), i.longest, i.length}
	both.list(other.longest, other.length)
	return both
}

func (i *inputs) list(name string, length int) {
	if length > i.length {
		i.longest, i.length = name, length
	}
}

// inputsOf measures the lists of ids among some arguments, and their where.
func inputsOf(args map[string]any) (is inputs) {
	if where, given := args["where"].(map[string]any); given {
		is.count(where, 1)
	}
	if ids, given := args["ids"].([]any); given {
		is.list("ids", len(ids))
	}
	return is
}

// count adds the conditions of a where, or of an and, or, not or has…With in one. One that is empty counts too: it is read as well. It
// stops once there are too many: a large variable may be used many times.
func (i *inputs) count(where map[string]any, level int) {
	if i.tooLarge() != nil {
		return
	}
	i.nesting = max(i.nesting, level)
	if len(where) == 0 {
		i.conditions++
	}
	for name, value := range where {
		i.countValue(name, value, level)
	}
}

func (i *inputs) countValue(name string, value any, level int) {
	switch value := value.(type) {
	case map[string]any:
		i.count(value, level+1)
	case []map[string]any: // what the validator makes of a single one
		for _, one := range value {
			i.count(one, level+1)
		}
	case []any:
		i.countList(name, value, level)
	default:
		i.conditions++
	}
}

func (i *inputs) countList(name string, list []any, level int) {
	if len(list) > 0 {
		if _, nested := list[0].(map[string]any); nested {
			for _, one := range list {
				i.countValue(name, one, level)
			}
			return
		}
	}
	i.conditions++
	i.list(name, len(list))
}

func (i inputs) tooLarge() error {
	switch {
	case i.conditions > maxConditions:
		return phone.Bad("where", fmt.Sprintf("There are at most %d conditions in where.", maxConditions))
	case i.nesting > maxNesting:
		return phone.Bad("where", fmt.Sprintf("Conditions are nested at most %d deep, where itself the first level.", maxNesting))
	case i.length > maxIDs:
		return phone.Bad(i.longest, fmt.Sprintf("%s has at most %d elements.", i.longest, maxIDs))
	}
	return nil
}
