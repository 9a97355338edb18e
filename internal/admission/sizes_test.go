package admission

import "testing"

func TestConnectionsLeaveFileDescriptorsForTheRest(t *testing.T) {
	t.Parallel()
	for descriptors, want := range map[int]int{64: 32, 256: 128, 1024: 768, 4096: 3840, 12_544: 12_288, 1 << 20: 12_288} {
		if most := mostOf(descriptors); most != want {
			t.Errorf("%d: got %d, want %d", descriptors, most, want)
		}
	}
}
