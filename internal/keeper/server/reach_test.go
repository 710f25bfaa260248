package server

import (
	"reflect"
	"testing"

	"github.com/amanah-project/amanah/internal/keeper/days"
	"github.com/amanah-project/amanah/internal/keeper/people"
)

// TestWhoHoldsAKeeperReachesNobodysKey: internal/app holds a *Keeper. Of the parts that give
// keys in clear it has what this package wrote around them, and nothing that they have
// themselves.
func TestWhoHoldsAKeeperReachesNobodysKey(t *testing.T) {
	k, looked := reflect.TypeFor[*Keeper](), 0
	around := map[string]bool{"OpenNotes": true, "Erase": true, "Pseudonyms": true}
	for _, part := range []reflect.Type{reflect.TypeFor[*people.People](), reflect.TypeFor[*days.Days]()} {
		for m := range part.NumMethod() {
			looked++
			name := part.Method(m).Name
			if _, has := k.MethodByName(name); has && !around[name] {
				t.Errorf("whoever holds a keeper has %s's %s", part, name)
			}
		}
		for f := range k.Elem().NumField() {
			if one := k.Elem().Field(f); one.Type == part && one.IsExported() {
				t.Errorf("whoever holds a keeper has its %s", one.Name)
			}
		}
	}
	_, promotes := k.MethodByName("PutColours")
	if !promotes || looked < 25 {
		t.Errorf("the control: %d methods looked at, a part that is embedded promotes its own: %t", looked, promotes)
	}
}
