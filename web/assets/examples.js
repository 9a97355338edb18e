const VIEWER = `# Who am I, and which numbers are mine?
query WhoAmI {
  viewer {
    id
    name
    email
    role
    locale
    timeZone
    numbers(first: 20) {
      edges {
        node {
          id
          phoneNumber
          label
          state
          forwardTo
          unheardVoicemails
          subscription {
            plan {
              name
              callsLimit
              voicemailsLimit
            }
            callsUsed
            voicemailsUsed
            periodEnd
          }
        }
      }
    }
  }
}
`;

const VOICEMAILS = `# The newest voicemails. For an hour
# audioURL plays in a browser.
query Voicemails {
  voicemails(first: 10) {
    totalCount
    edges {
      cursor
      node {
        id
        from
        number { phoneNumber label }
        receivedAt
        durationSeconds
        heardAt
        audio
        audioURL
        transcription
        transcript
        deliveries {
          recipient
          state
          lastError
          deliveredAt
        }
      }
    }
    pageInfo { endCursor hasNextPage }
    followCursor
  }
}
`;

const CALLS = `# The latest calls, the steps each took,
# and why.
query Calls {
  calls(first: 10) {
    edges {
      node {
        id
        from
        to
        number { label }
        outcome
        startedAt
        endedAt
        durationSeconds
        voicemail { id }
        timeline { at kind detail }
      }
    }
    pageInfo { endCursor hasNextPage }
  }
}
`;

const FOLLOW = `# Each voicemail when it appears.
# With "after", the followCursor of a list or the
# cursor of any voicemail, first all since then:
# nothing is lost or comes twice. With null only
# new ones. voicemailChanged tells what becomes
# of them, from the same place.
# The button stops it again.
subscription FollowVoicemails($after: Cursor) {
  voicemailReceived(after: $after) {
    cursor
    node {
      id
      from
      number { phoneNumber label }
      receivedAt
      audio
      audioURL
      transcription
      transcript
    }
  }
}
`;

const SET_UP = `# For administrators: four steps from
# nothing to a number that takes calls.
# The button asks which one. Put the ids
# that come back into the variables below.
mutation CreatePlan {
  createPlan(input: {
    name: "Starter"
    type: PACKAGE
    callsLimit: 100
    voicemailsLimit: 50
    period: MONTH
  }) {
    id
    name
    callsLimit
    voicemailsLimit
    period
  }
}

mutation CreateUser {
  createUser(input: {
    email: "oscar@example.com"
    name: "Oscar"
    locale: "en"
    timeZone: "Europe/London"
  }) {
    id
    email
    role
  }
}

mutation CreateNumber($ownerID: ID!) {
  createNumber(input: {
    phoneNumber: "+12025550142"
    ownerID: $ownerID
    label: "Front desk"
    forwardTo: ["+12025550143"]
  }) {
    id
    phoneNumber
    state
  }
}

mutation SubscribeNumber($numberID: ID!, $planID: ID!) {
  subscribeNumber(numberID: $numberID, planID: $planID) {
    id
    active
    plan { name }
    periodStart
    periodEnd
  }
}
`;

const MARK = `# Mark voicemails as heard, or with
# heard: false as new again.
mutation MarkVoicemails($ids: [ID!]!, $heard: Boolean!) {
  markVoicemails(ids: $ids, heard: $heard) {
    id
    heardAt
  }
}
`;

const UPDATE = `# A field that is left out stays as it is;
# only greeting and keepVoicemailsDays may be null.
mutation UpdateNumber($id: ID!, $input: UpdateNumberInput!) {
  updateNumber(id: $id, input: $input) {
    id
    label
    forwardTo
    ringSeconds
    screening
    greeting
    notifyEmails
  }
}
`;

const variables = (values) => JSON.stringify(values, null, 2);

// The playground's tabs at the first visit.
export const examples = [
  { query: VIEWER },
  { query: VOICEMAILS },
  { query: CALLS },
  { query: FOLLOW, variables: variables({ after: null }) },
  { query: SET_UP, variables: variables({ ownerID: "", numberID: "", planID: "" }) },
  { query: MARK, variables: variables({ ids: [], heard: true }) },
  { query: UPDATE, variables: variables({ id: "", input: { label: "Front desk", ringSeconds: 20, greeting: null } }) },
];
