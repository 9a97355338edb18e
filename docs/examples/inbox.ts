// What a page shows of voicemails: a list, and what both subscriptions push after it.

export interface Edge {
  cursor: string;
  node: { id: string; from: string; recordingSid: string; receivedAt: string; heardAt: string | null };
}

export interface Change {
  cursor: string;
  kind: 'UPDATED' | 'DELETED' | 'RESTORED';
  voicemailID: string;
  edge: Edge | null;
}

export interface List {
  voicemails: { edges: Edge[]; followCursor: string };
}

const edge = 'cursor node { id from recordingSid receivedAt heardAt }';

// followCursor is the place from which both subscriptions go on: nothing is missed, and nothing that is listed is pushed.
export const LIST = `query List { voicemails(first: 20) { edges { ${edge} } followCursor } }`;
export const RECEIVED = `subscription Received($after: Cursor) { voicemailReceived(after: $after) { ${edge} } }`;
export const CHANGED = `subscription Changed($after: Cursor) { voicemailChanged(after: $after) { cursor kind voicemailID edge { ${edge} } } }`;

export class Inbox {
  private early = new Map<string, Edge | null>(); // changes of what is not on the page; null: deleted. They may come before the voicemail

  constructor(private edges: Edge[]) { // newest first
    for (const { node } of edges) console.log('has', node.recordingSid);
  }

  receive(edge: Edge) {
    const latest = this.early.has(edge.node.id) ? this.early.get(edge.node.id) : edge;
    if (!latest || this.placeOf(edge.node.id) >= 0) return;
    this.edges.unshift(latest);
    console.log('received', edge.node.recordingSid);
  }

  change({ kind, voicemailID, edge }: Change) {
    const place = this.placeOf(voicemailID);
    if (kind === 'DELETED') {
      this.early.set(voicemailID, null);
      if (place >= 0) console.log('deleted', this.edges.splice(place, 1)[0].node.recordingSid);
    } else if (edge && kind === 'RESTORED') {
      this.early.delete(voicemailID);
      if (place < 0) this.restore(edge);
    } else if (edge) {
      if (place >= 0) this.edges[place] = edge;
      else this.early.set(voicemailID, edge);
    }
  }

  private restore(edge: Edge) {
    const older = this.edges.findIndex(({ node }) => isOlder(node, edge.node));
    this.edges.splice(older < 0 ? this.edges.length : older, 0, edge);
    console.log('restored', edge.node.recordingSid);
  }

  private placeOf(id: string) {
    return this.edges.findIndex(({ node }) => node.id === id);
  }
}

export const isOlder = (a: { receivedAt: string }, b: { receivedAt: string }) => Date.parse(a.receivedAt) < Date.parse(b.receivedAt);
