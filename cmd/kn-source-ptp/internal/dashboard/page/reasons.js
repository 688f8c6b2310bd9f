// What reasons mean, as docs/events.md has them.

const reasons = {
  OffsetInRange: 'a port is SLAVE, Sync arrives, and the offset has been within lockOffset',
  OffsetOutOfRange: 'the offset has been beyond unlockOffset while following a master',
  PortNotSlave: 'no port is SLAVE: link, announce timeout, servo, another master',
  SyncSilent: 'ptp4l runs and its port is SLAVE, but no Sync arrives',
  DaemonDown: 'ptp4l does not answer or is gone; of a receiver gpsd, of a device of synce4l synce4l',
  HoldoverExpired: 'the source did not come back within holdoverTimeout',
  GrandmasterClass: 'the clock is grandmaster itself, and its own class says so',
  ParentClass: 'the class is that of the grandmaster that is followed',
  OwnClass: 'the class is the clock’s own, because it is not locked to a grandmaster',
  NoInstance: 'no ptp4l was found on the node',
  Disciplined: 'the OS clock is being adjusted, and what feeds it is LOCKED',
  NotDisciplined: 'the OS clock has not been adjusted for too long',
  ClockStepped: 'the clock was set to another time',
  ClockUnreadable: 'the kernel does not tell how the OS clock is',
  GNSSFix: 'the receiver has a full fix',
  GNSSNoFix: 'the receiver says that it has no full fix',
  AntennaFault: 'the receiver has no fix, and says so of its antenna',
  ReceiverSilent: 'gpsd answers, and the receiver has said nothing for some seconds',
  ReceiverGone: 'gpsd has no such receiver, or cannot open it',
  DPLLLockStatus: 'the kernel says so of the DPLL',
  DPLLGone: 'the kernel has no such DPLL any more',
  DPLLUnreadable: 'the kernel does not tell of its DPLLs',
  Reported: 'ptp4l says so, or synce4l',
  reassert: 'nothing has changed: the value that holds was said again',
  JournalOverrun: 'events fell out of the journal before they were sent',
};

export const meaningOfReason = (reason) => reasons[reason] ?? '';
