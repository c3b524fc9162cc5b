/* Two directors, one sync group of two virtual routers on two LANs; election, lease, fence. Checked by check.py.
 *
 * Time goes in ticks; an advertisement arrives in its tick or not at all. Faults (a cut LAN, a pause of a process, a
 * death) come in any order at any tick, FAULTS of them; then all is repaired. After MUTATION n one rule is broken.
 */
#define INTERVAL 2
#define LEASE (3 * INTERVAL)
#define HEARD_AFTER (INTERVAL + 2)          /* a rival is answered in the next tick */
#define DOWN(d) (3 * INTERVAL + 1 + (d))    /* director 0 has the higher priority: less skew */
#define SERVED_AFTER (DOWN(1) + INTERVAL + 2)
#define LONG_CALM 30

#ifndef MUTATION
#define MUTATION 0
#endif
#ifndef FAULTS
#define FAULTS 3
#endif

typedef Director {
  bool master[2];
  byte timer[2];   /* master: next advert; backup: master down */
  byte lease[2];   /* ticks for which the kernel still answers */
  bool pending[2]; /* an advert waits in the socket */
  bool paused;
  bool dead;
  bool fair;       /* silenced in calm, and nothing else has happened since */
  byte silent;     /* ticks since its last advert */
  byte listens;    /* ticks that it has to listen for after a pause, before it speaks */
};
Director dir[2];
bool cut[2];
byte faults = FAULTS;
byte calm = 0;
bool repaired = false;

#define RUNS(d) (!dir[d].paused && !dir[d].dead)
#define OTHER(d) (1 - (d))

inline be_backup(quitter) {
  dir[quitter].master[0] = false; dir[quitter].master[1] = false;
  dir[quitter].lease[0] = 0; dir[quitter].lease[1] = 0;
  dir[quitter].timer[0] = DOWN(quitter); dir[quitter].timer[1] = DOWN(quitter)
}

/* What d does with an advert of the other on LAN m. Only director 0 outranks. */
inline hear(hearer, lan) {
  if
  :: hearer == 1 && MUTATION != 4 && (dir[1].master[0] || dir[1].master[1]) -> be_backup(1)
  :: hearer == 1 && !(dir[1].master[0] || dir[1].master[1]) -> dir[1].timer[lan] = DOWN(1)
  :: hearer == 0 && dir[0].master[lan] -> dir[0].timer[lan] = 0   /* answers */
  :: else
  fi
}

inline advertise(sender, wire) {
  dir[sender].timer[wire] = INTERVAL;
  if
  :: MUTATION != 5 -> dir[sender].lease[wire] = LEASE + (MUTATION == 2 -> 2 * INTERVAL : 0)
  :: else -> if :: dir[sender].lease[wire] == 0 -> dir[sender].lease[wire] = LEASE :: else fi
  fi;
  dir[sender].silent = 0;
  assert(dir[sender].listens == 0);         /* I8 */
  if
  :: cut[wire] || dir[OTHER(sender)].dead
  :: else ->
    if
    :: dir[OTHER(sender)].paused -> dir[OTHER(sender)].pending[wire] = true
    :: else -> hear(OTHER(sender), wire)
    fi
  fi
}

inline expired(due, timed) {
  if
  :: dir[due].master[timed] -> advertise(due, timed)
  /* a backup takes over with all members, when none has another master any more */
  :: !dir[due].master[timed] && (MUTATION == 3 || dir[due].timer[1 - timed] == 0 || dir[due].master[1 - timed]) ->
    dir[due].master[timed] = true;
    if :: MUTATION != 3 -> dir[due].master[1 - timed] = true; advertise(due, 1 - timed) :: else fi;
    advertise(due, timed)
  :: else   /* waits */
  fi
}

inline handle(one) {
  if
  :: RUNS(one) ->
    m = 0;
    do
    :: m < 2 ->
      if :: dir[one].timer[m] == 0 -> expired(one, m) :: else fi;
      m++
    :: else -> break
    od
  :: else
  fi
}

inline pass_time(host) {
  m = 0;
  do
  :: m < 2 ->
    if :: dir[host].timer[m] > 0 -> dir[host].timer[m]-- :: else fi;
    if :: dir[host].lease[m] > 0 -> dir[host].lease[m]-- :: else fi;
    m++
  :: else -> break
  od;
  if :: dir[host].listens > 0 -> dir[host].listens-- :: else fi;
  if :: dir[host].silent < LONG_CALM -> dir[host].silent++ :: else fi
}

/* A pause counts before anything else; what waits in the socket counts before the timers. */
inline go_on(waker) {
  dir[waker].paused = false;
  if
  :: (dir[waker].master[0] || dir[waker].master[1]) && dir[waker].silent > LEASE -> dir[waker].listens = INTERVAL
  :: else
  fi;
  if
  :: (dir[waker].master[0] || dir[waker].master[1]) && dir[waker].silent > LEASE && MUTATION != 1 ->
    be_backup(waker);
    dir[waker].timer[0] = INTERVAL + 1; dir[waker].timer[1] = INTERVAL + 1
  :: else
  fi;
  m = 0;
  do
  :: m < 2 ->
    if :: dir[waker].pending[m] -> dir[waker].pending[m] = false; hear(waker, m) :: else fi;
    m++
  :: else -> break
  od
}

inline start(fresh) {
  dir[fresh].dead = false;
  dir[fresh].listens = 0;
  be_backup(fresh);
  dir[fresh].pending[0] = false; dir[fresh].pending[1] = false
}

inline disturbed() {
  dir[0].fair = false; dir[1].fair = false;
  calm = 0
}

inline silence(victim) {   /* of a master in a settled calm the peer hears nothing more */
  if
  :: calm >= SERVED_AFTER && dir[victim].master[0] && dir[victim].master[1] -> disturbed(); dir[victim].fair = true
  :: else -> disturbed()
  fi
}

inline strike() {
  if
  :: true                                   /* nothing this time */
  :: faults > 0 -> faults--;
    select(d : 0 .. 1);
    if
    :: cut[d] = !cut[d]; disturbed()
    :: dir[d].dead -> start(d); disturbed()
    :: !dir[d].dead && dir[d].paused -> go_on(d); disturbed()
    :: RUNS(d) -> dir[d].paused = true; silence(d)
    :: !dir[d].dead -> dir[d].dead = true; dir[d].paused = false; silence(d)
    fi
  :: faults == 0 && !repaired -> repaired = true;
    cut[0] = false; cut[1] = false;
    d = 0;
    do
    :: d < 2 ->
      if
      :: dir[d].dead -> start(d)
      :: dir[d].paused -> go_on(d)
      :: else
      fi;
      d++
    :: else -> break
    od;
    disturbed()
  fi
}

#define BOTH(m) (RUNS(0) && RUNS(1) && dir[0].master[m] && dir[1].master[m])
#define ONE(m) ((RUNS(0) && dir[0].master[m]) != (RUNS(1) && dir[1].master[m]))
#define WHOLE (!cut[0] && !cut[1])
#define SOMEBODY (RUNS(0) || RUNS(1))
#define BESIDE(d, m) (dir[d].fair && !RUNS(d) && dir[d].lease[m] > 0 && dir[OTHER(d)].master[m] && RUNS(OTHER(d)))

inline judge() {
  /* I1: two owners only until they have heard each other */
  assert(!(WHOLE && calm >= HEARD_AFTER && (BOTH(0) || BOTH(1))));
  /* I2: an owner again within the master down interval */
  assert(!(WHOLE && SOMEBODY && calm >= SERVED_AFTER && !(ONE(0) && ONE(1))));
  /* a sync group is master with all members or with none */
  assert(!RUNS(0) || dir[0].master[0] == dir[0].master[1]);
  assert(!RUNS(1) || dir[1].master[0] == dir[1].master[1]);
  /* I7: a backup that runs holds nothing; a master holds what it owns */
  assert(!(RUNS(0) && !dir[0].master[0] && dir[0].lease[0] > 0));
  assert(!(RUNS(1) && !dir[1].master[1] && dir[1].lease[1] > 0));
  assert(!(RUNS(0) && dir[0].master[0] && dir[0].lease[0] == 0));
  assert(!(RUNS(1) && dir[1].master[1] && dir[1].lease[1] == 0));
  /* I8: who was silenced does not answer beside its successor */
  assert(!(WHOLE && (BESIDE(0, 0) || BESIDE(0, 1) || BESIDE(1, 0) || BESIDE(1, 1))))
}

active proctype world() {
  byte d, m, first;
  d_step { start(0); start(1) };
  do
  :: true ->
    atomic {
      strike();
      pass_time(0); pass_time(1);
      select(first : 0 .. 1);   /* whose handler runs first in this tick */
      if
      :: first == 0 -> handle(0); handle(1)
      :: else -> handle(1); handle(0)
      fi;
      if :: calm < LONG_CALM -> calm++ :: else fi;
      judge();
      d = 0; m = 0; first = 0
    }
  od
}

/* Once all is repaired there is an owner of each router, and in the end always. */
ltl served { [] (repaired -> <> [] (ONE(0) && ONE(1))) }
