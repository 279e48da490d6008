// The words of the interface, as [中文, English]; a test checks that both have the same blanks. What the door and the
// log seldom say is in words-later.js, which adds itself to this table.
// {n} is a number written by Intl, {other} any text. A value with forms {one, other} is chosen by Intl.PluralRules.

export const LANGUAGES = ["zh", "en"];
export const WORDS = {
  brand: ["地球村", "Global Village"],
  // the way in
  untitled: ["聊天室", "Chat room"],
  name_label: ["你的名字", "Your name"],
  name_hint: ["任何文字都可以", "In any script"],
  name_preview: ["别人会这样看到你", "This is how others see you"],
  preview_line: ["大家好！", "Hello everyone!"],
  you_read: ["我能读", "I read"],
  you_read_hint: ["消息会译成第一个语言", "Messages are translated into the first one"],
  main_language: ["首选", "first"],
  add_language: ["添加语言", "Add a language"],
  enter: ["进入", "Enter"],
  entering: ["正在进入…", "Entering…"],
  here_total: ["{n} 人在线", { one: "{n} person here", other: "{n} people here" }],
  here_short: ["{n} 人", "{n} here"],
  here_nobody: ["还没有人，你会是第一个", "Nobody is here yet; you will be the first"],
  invited_as: ["你受邀以{role}身份加入", "You are invited as a {role}"],
  privacy: ["房主和在场的人会看到你的名字、所读语言和发言。翻译在这台服务器上完成。", "The host and the people here see your name, the languages you read and what you write. Translation happens on this server."],
  interface: ["界面语言", "Interface"],
  looking: ["正在查看邀请…", "Looking at your invitation…"],
  no_invite_title: ["请打开邀请链接", "Open an invitation link"],
  // roles
  role_owner: ["房主", "host"],
  role_moderator: ["管理员", "moderator"],
  role_member: ["成员", "member"],
  role_guest: ["访客", "guest"],
  // the room
  to_composer: ["跳到输入框", "Skip to the message box"],
  log_label: ["消息", "Messages"],
  who_is_here: ["谁在这里", "Who is here"],
  settings: ["阅读设置", "Reading settings"],
  close: ["关闭", "Close"],
  empty_title: ["这里还很安静", "It is quiet here"],
  empty_words: ["用你自己的语言说第一句话吧，大家会用他们的语言读到。", "Say the first words in your own language. Everyone reads them in theirs."],
  older_loading: ["正在读取更早的消息…", "Loading earlier messages…"],
  beginning: ["聊天从这里开始", "The conversation begins here"],
  unread_line: ["以下是新消息", "New messages"],
  new_messages: ["{n} 条新消息", { one: "{n} new message", other: "{n} new messages" }],
  to_latest: ["到最新消息", "To the latest message"],
  note_created: ["{name}创建了聊天室", "{name} opened the room"],
  note_joined: ["{names}来了", "{names} joined"],
  note_joined_many: ["{names}和另外 {n} 人来了", { one: "{names} and {n} other joined", other: "{names} and {n} others joined" }],
  note_left: ["{name}离开了", "{name} left"],
  note_removed: ["{name}被{by}移出", "{name} was removed by {by}"],
  note_role: ["{name}现在是{role}", "{name} is now a {role}"],
  note_role_own: ["你现在是{role}", "You are now a {role}"],
  somebody: ["有人", "Somebody"],
  you: ["你", "You"],
  list_separator: ["、", ", "],
  // a message
  says: ["{name}，{time}", "{name}, {time}"],
  announcement: ["公告", "Announcement"],
  original_of: ["原文：", "Original: "],
  show_original: ["看原文", "Show original"],
  show_translation: ["看译文", "Show translation"],
  translated_from: ["由机器从{language}翻译", "Translated by machine from {language}"],
  machine: ["机器翻译", "Machine translated"],
  rough: ["入门译文", "starter translation"],
  edited: ["已编辑", "edited"],
  recalled_own: ["你撤回了一条消息", "You recalled a message"],
  recalled: ["{name}撤回了一条消息", "{name} recalled a message"],
  recalled_by_host: ["一条消息已被管理员撤回", "A moderator recalled a message"],
  translate: ["翻译", "Translate"],
  translating: ["正在翻译…", "Translating…"],
  untranslated: ["没有翻译：{reason}", "Not translated: {reason}"],
  no_package: ["没有{source} → {target}的翻译包", "No package for {source} → {target}"],
  reason_doubtful: ["译文不可靠", "the result is doubtful"],
  reason_too_late: ["等得太久", "it took too long"],
  reason_overload: ["此刻太忙", "too busy right now"],
  reason_names_lost: ["会丢掉人名", "names would be lost"],
  reason_engine_failed: ["翻译程序出错", "the translator failed"],
  reason_other: ["原因不明（{reason}）", "reason unknown ({reason})"],
  replying_to: ["回复{name}", "Reply to {name}"],
  reply_gone: ["原消息不在这一页", "The message is not on this page"],
  more_actions: ["更多操作", "More actions"],
  reacted: ["{emoji} {n} 人", { one: "{emoji} {n} person", other: "{emoji} {n} people" }],
  sending: ["正在发送", "Sending"],
  waits: ["等待网络", "Waiting for the network"],
  failed: ["没有发出", "Not sent"],
  again: ["再试", "Try again"],
  retry: ["重试", "Retry"],
  discard: ["丢弃", "Discard"],
  // writing
  composer_label: ["写消息", "Write a message"],
  composer_hint: ["用你的语言写…", "Write in your language…"],
  send: ["发送", "Send"],
  editing: ["正在编辑", "Editing"],
  cancel: ["取消", "Cancel"],
  preview: ["预览译文", "Preview the translation"],
  too_long: ["太长了：多出 {n} 个字", { one: "Too long by {n} character", other: "Too long by {n} characters" }],
  people_to_mention: ["可以提到的人", "People to mention"],
  typing_one: ["{name}正在输入…", "{name} is typing…"],
  typing_two: ["{name}和{other}正在输入…", "{name} and {other} are typing…"],
  typing_many: ["好几个人正在输入…", "Several people are typing…"],
  // the connection
  state_connecting: ["正在连接…", "Connecting…"],
  state_offline: ["没有网络。你写的会在连上后发出。", "No network. What you write is sent when it is back."],
  state_resuming: ["正在重新连接…", "Reconnecting…"],
  state_restarting: ["服务器正在重启，马上回来…", "The server is restarting; back in a moment…"],
  state_ended: ["连接已结束：{words}", "The connection has ended: {words}"],
  as_of: ["这是{age}的内容", "This is from {age}"],
  try_now: ["现在重试", "Try now"],
  gap_told: ["有 {n} 条消息没有收到", { one: "{n} message was missed", other: "{n} messages were missed" }],
  gap_load: ["读取", "Load"],
  gap_lost: ["有 {n} 条消息无法恢复", { one: "{n} message could not be recovered", other: "{n} messages could not be recovered" }],
  gap_reborn: ["聊天记录重新开始了，之前的内容无法恢复", "The room's history began anew; what was before could not be recovered"],
  error_disconnected: ["还没有连上，请稍候再试", "Not connected yet; please try again in a moment"],
  // errors, by code
  error_malformed: ["页面发出的内容服务器看不懂，请刷新页面", "The server could not read what this page sent; please reload"],
  error_unauthenticated: ["登录信息无效，请重新用邀请进入", "Your sign-in is not valid; please enter by invitation again"],
  error_token_expired: ["登录已过期，请重新进入", "Your sign-in has expired; please enter again"],
  error_forbidden: ["你在这里的身份不能这样做", "Your role in this room does not allow that"],
  error_room_not_found: ["找不到这个聊天室", "There is no such room"],
  error_not_a_member: ["你不是这个聊天室的成员，请用邀请进入", "You are not a member of this room; please enter by invitation"],
  error_nothing_to_say: ["里面没有可以看见的字", "There is nothing visible in it"],
  error_name_invalid: ["名字需要 1 到 40 个看得见的字", "A name needs 1 to 40 visible characters"],
  error_invite_invalid: ["邀请无效、已用完或已过期，请向朋友要一个新的", "The invitation is unknown, used up or expired; ask for a new one"],
  error_too_fast: ["太快了，请等几秒", "Too fast; please wait a few seconds"],
  error_not_translatable: ["这条消息无法为你翻译", "That message cannot be translated for you"],
  error_unavailable: ["服务器暂时够不到消息记录，什么都没有丢", "The server cannot reach its message log just now; nothing was lost"],
  error_network: ["够不到服务器，请检查网络", "The server cannot be reached; please check the network"],
  error_other: ["没有成功（{code}）", "That did not work ({code})"],
};

/** The interface language for a browser that says `tags`. */
export function guessInterface(tags) {
  const first = (tags ?? []).find((tag) => /^(zh|yue|en)/i.test(tag)) ?? "en";
  return /^(zh|yue)/i.test(first) ? "zh" : "en";
}

/** A function from key and blanks to words. An unknown key shows itself: visible in tests, harmless to people. */
export function wordsIn(ui) {
  const column = LANGUAGES.indexOf(ui);
  const plural = new Intl.PluralRules(ui);
  const number = new Intl.NumberFormat(ui);
  return (key, blanks = {}) => {
    const found = WORDS[key]?.[column];
    if (found === undefined) return key;
    const pattern = typeof found === "string" ? found : found[plural.select(Number(blanks.n))] ?? found.other;
    return pattern.replace(/\{(\w+)\}/g, (whole, blank) => {
      const value = blanks[blank];
      if (value === undefined || value === null) return whole;
      return typeof value === "number" ? number.format(value) : String(value);
    });
  };
}

/** Words for an error code of the server or of this page. */
export function wordsForError(say, code) {
  const words = say(`error_${code}`);
  return words === `error_${code}` ? say("error_other", { code }) : words;
}
