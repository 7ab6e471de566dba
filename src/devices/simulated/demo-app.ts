/**
 * The pretend video app of the simulated phone: package `demo.video`, activity
 * `demo.video.MainActivity`, label "Demo". Below is what a flow can rely on.
 *
 * Every id is written `demo.video:id/NAME`; `desc` is the content-desc. A tap on a
 * child of a clickable element (a name inside an item) taps that element.
 * One screen shows at a time; a dialog hides the screen below it from the tree.
 *
 * | screen       | known by                | elements (id: text · desc)                                              |
 * |--------------|-------------------------|-------------------------------------------------------------------------|
 * | feed         | `feed_list`             | `account_handle`: "@alice" · "Signed in as @alice", a tap opens the switcher; |
 * |              |                         | `create_button`: "Create" · "Create" -> picker; `tab_home`: "Home" · "Home"; |
 * |              |                         | `tab_profile`: "Profile" · "Profile" -> profile;                        |
 * |              |                         | `feed_item` with `feed_author`: "@bob" and `feed_caption`: exact caption; |
 * |              |                         | after a post `posted_banner`: "Your video was posted", until the next tap that leaves the feed; |
 * |              |                         | while one runs in the background `upload_banner`: "Uploading…" with     |
 * |              |                         | `upload_hint`: "Keep Demo open to finish posting…"                      |
 * | profile      | `profile_screen`        | `profile_handle`: "@alice" · "Switch account", a tap opens the switcher; |
 * |              |                         | `posts_count`: "3 posts"; `post_list` with one `post_item` per post of this |
 * |              |                         | account, newest first: `post_caption`: exact caption, `post_time`: ISO time; |
 * |              |                         | `tab_home`, `create_button`, `tab_profile` as on the feed               |
 * | switcher     | `switcher_sheet`        | `switcher_title`: "Switch account"; one `switcher_entry` per signed-in  |
 * |              |                         | account: "@bob" · "Switch to @bob" (selected="true" on the current one) -> feed of it; |
 * |              |                         | `switcher_close`: "Close" · "Close" -> the screen before                |
 * | picker       | `picker_list`           | `picker_title`: "New video"; `picker_close`: "Cancel" · "Cancel" -> feed; |
 * |              |                         | `picker_item` · "Video clip.mp4, 123456 bytes" for every video of the media store, |
 * |              |                         | newest first, with `picker_name`: "clip.mp4" and `picker_size`: "123456 bytes" -> compose; |
 * |              |                         | none: `picker_empty`: "No videos"                                       |
 * | compose      | `compose_screen`        | `compose_title`: "New post"; `posting_as`: "@alice"; `selected_name`: "clip.mp4"; |
 * |              |                         | `selected_size`: "123456 bytes"; `caption_input` (android.widget.EditText, hint |
 * |              |                         | "Write a caption…"); `post_button`: "Post" · "Post" -> uploading;       |
 * |              |                         | `compose_cancel`: "Cancel" · "Cancel" -> picker (caption is discarded)  |
 * | uploading    | `upload_screen`         | `upload_title`: "Uploading…"; `upload_hint`: "Keep Demo open to finish posting…"; |
 * |              |                         | `upload_progress` (android.widget.ProgressBar): "42 %"; then feed with `posted_banner` |
 * | rejected     | `rejected_screen`       | `rejected_title`: "Your video could not be posted"; `rejected_text`:    |
 * |              |                         | "This file format is not supported."; `rejected_ok`: "OK" -> feed       |
 * | pick failed  | `pick_failed_screen`    | `pick_failed_title`: "Can't open this video"; `pick_failed_ok`: "OK" -> picker |
 * | captcha      | `captcha_screen`        | `trouble_title`: "Confirm you are human"; `trouble_text`: "Drag the slider to fit the puzzle." |
 * | suspended    | `suspended_screen`      | `trouble_title`: "Your account has been suspended"; `trouble_text`: "It does not follow our community guidelines." |
 * | logged out   | `login_screen`          | `trouble_title`: "Log in to Demo"; `trouble_text`: "You have been logged out. Please log in again." |
 * | blocked      | `action_blocked_screen` | `trouble_title`: "Action blocked"; `trouble_text`: "This action was blocked. Please try again later." |
 * | verification | `verification_screen`   | `trouble_title`: "Confirm it's you"; `trouble_text`: "Enter the code we sent to your email." |
 * | popup        | `popup_dialog`          | `popup_title`: "Rate Demo?"; `popup_accept`: "Rate"; `popup_dismiss`: "Not now" · "Not now" -> the screen below |
 *
 * The five trouble screens also show `trouble_account`: "@alice", the account they speak of, and
 * `trouble_switch`: "Switch account" · "Switch account" -> switcher: other accounts stay usable.
 * Back: profile, picker -> feed; switcher -> the screen before; compose -> picker; uploading -> feed
 * (the upload goes on); popup -> dismissed; feed -> launcher. Ending the app (force-stop) ends an
 * upload that runs, unless it is said to go on in the background, and opens it on the feed next time.
 */
export const DEMO_PACKAGE = 'demo.video';
