package graph

import (
	"fmt"

	"github.com/maskline/maskline/phone"
)

// inputs is how large the arguments of a field are, wherever they are written: in the operation or in its variables.
type inputs struct{ conditions, nesting, ids int }

func (i inputs) with(other inputs) inputs {
	return inputs{max(i.conditions, other.conditions), max(i.nesting, other.nesting), max(i.ids, other.ids)}
}

// inputsOf measures the lists of ids among some arguments, and their where.
func inputsOf(args map[string]any) (is inputs) {
	if where, given := args["where"].(map[string]any); given {
		is.count(where, 1)
	}
	if ids, given := args["ids"].([]any); given {
		is.ids = max(is.ids, len(ids))
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
	for _, value := range where {
		i.countValue(value, level)
	}
}

func (i *inputs) countValue(value any, level int) {
	switch value := value.(type) {
	case map[string]any:
		i.count(value, level+1)
	case []map[string]any: // what the validator makes of a single one
		for _, one := range value {
			i.count(one, level+1)
		}
	case []any:
		i.countList(value, level)
	default:
		i.conditions++
	}
}

func (i *inputs) countList(list []any, level int) {
	if len(list) > 0 {
		if _, nested := list[0].(map[string]any); nested {
			for _, one := range list {
				i.countValue(one, level)
			}
			return
		}
	}
	i.conditions++
	i.ids = max(i.ids, len(list))
}

func (i inputs) tooLarge() error {
	switch {
	case i.conditions > maxConditions:
		return phone.Bad("where", fmt.Sprintf("There are at most %d conditions in where.", maxConditions))
	case i.nesting > maxNesting:
		return phone.Bad("where", fmt.Sprintf("Conditions are nested at most %d deep, where itself the first level.", maxNesting))
	case i.ids > maxIDs:
		return phone.Bad("ids", fmt.Sprintf("At most %d ids at once.", maxIDs))
	}
	return nil
}
