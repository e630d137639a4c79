/* loadgen.c - single-thread epoll load generator for chat-completions streaming
 * (SSE over HTTP/1.1 and RFC 6455 WebSocket).
 * build: gcc -O2 -Wall -o loadgen loadgen.c      (for TLS: -DTLS -o loadgen-tls loadgen.c -lssl -lcrypto)
 * usage: loadgen -p PORT [-h host] [-H naddr] [-c conns] [-r requests] [-t seconds]
 *   [-k 1|0 keep-alive] [-u path] [-b bodyfile] [-m sse|ws|hold|wshold] [-g nominal_gap_ms]
 *   [-L frames with the first token] [-T frames with the last]
 *   [-n placeholder: 8 bytes of the body that become the number of the request, so that no two are alike]
 *   [-e expected_frames] [-d done_string (ws)] [-P serverpid[,pid]] [-s stagger_ms] [-x "Header: v"] [-w warmup_s]
 * -H n: spread connections over n destination addresses 127.0.0.1..127.0.0.n
 * Frames: occurrences of "\n\n" in the de-chunked body (SSE); complete data messages (WS).
 * A response ok = 200 + complete HTTP body + (if -e) frame count equal to expected
 *   + body ends in "[DONE]\n\n" (sse).  Everything else is a failure.
 * Gap statistics: time between reads which completed consecutive frames of one response.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <time.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <stdint.h>
#include <dirent.h>

#ifdef TLS
#include <openssl/ssl.h>
#include <openssl/err.h>
static SSL_CTX *tls;
#endif

typedef uint64_t u64;
static u64 now_ns(void){struct timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return (u64)t.tv_sec*1000000000ull+t.tv_nsec;}

enum {S_CONN,S_HDR,S_BODY,S_WSHS,S_WS,S_IDLE,S_DEAD};
enum {C_SIZE,C_DATA,C_CRLF,C_TRAIL};
typedef struct {
#ifdef TLS
  SSL *ssl;
#endif
  int fd,st,cst,chunked,hasclen,status,connclose;
  long clen,got; long crem; int clinelen; char cline[24]; int trail_len;
  char hdr[4096]; int hlen;
  int frames; char lastc; char tail[16]; int tl;
  u64 t0,tfirst,tlast; int wsent; 
  /* ws */
  int wst; unsigned char wh[14]; int whl,whneed; u64 wrem; int wop,wfin; int isdone;
  char wbuf[512]; int wbl;
  int addr; u64 start_at; int reuse;
} conn;

static int lead=0,tail=0;
static int N=32,port=8000,keep=1,naddr=1,expect=0; static long R=0; static double T=0,warm=0; static double gapms=0,stagger=0;
static const char*host="127.0.0.1",*path="/v1/chat/completions",*mode="sse",*bodyf=NULL,*donestr="[DONE]",*xh="";
static const char*placeholder=NULL; static char*number=NULL;
static char *body; static size_t blen; static char *req; static size_t rlen; static int ep; static int ws=0,hold=0;
static conn*C; static long started=0,done_ok=0,fail=0,f_conn=0,f_status=0,f_frames=0,f_eof=0,f_proto=0,nconnects=0; static u64 frames=0,bytes=0,reads=0;
static int stopping=0; static long inflight=0; static int heldn=0;
/* histograms in us: 0..100000 by 1us*? -> 10us bins up to 5 s */
#define NB 500000
static uint32_t *h_ttfb,*h_err,*h_late,*h_dur; static u64 n_ttfb,n_err,n_late,n_dur; static double sum_gap,sum_drift; static u64 n_gap,n_drift; static double max_err;
static void hadd(uint32_t*h,u64*n,double us){long b=us<0?0:(long)(us/10);if(b>=NB)b=NB-1;h[b]++;(*n)++;}
static double hq(uint32_t*h,u64 n,double q){if(!n)return -1;u64 need=(u64)(q*n),c=0;if(need>=n)need=n-1;for(long i=0;i<NB;i++){c+=h[i];if(c>need)return (i+0.5)/100.0;}return NB/100.0;} /* ms */

static int pids[32],npid; 
static double cpu_of(int p){char f[64],b[1024];snprintf(f,64,"/proc/%d/stat",p);FILE*x=fopen(f,"r");if(!x)return 0;size_t n=fread(b,1,1023,x);b[n]=0;fclose(x);char*q=strrchr(b,')');unsigned long u=0,s=0;if(q)sscanf(q+2,"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",&u,&s);return (double)(u+s)/sysconf(_SC_CLK_TCK);}
static double srv_cpu(void){double s=0;for(int i=0;i<npid;i++)s+=cpu_of(pids[i]);return s;}
/* finer: schedstat run time ns of all threads */
static double sched_of(int p){char f[64],b[256];double tot=0;char d[64];snprintf(d,64,"/proc/%d/task",p);char cmd[1];(void)cmd;

  DIR*dd=opendir(d);if(!dd)return 0;struct dirent*e;while((e=readdir(dd))){if(e->d_name[0]=='.')continue;snprintf(f,64,"/proc/%d/task/%.20s/schedstat",p,e->d_name);FILE*x=fopen(f,"r");if(!x)continue;if(fgets(b,256,x)){unsigned long long r;if(sscanf(b,"%llu",&r)==1)tot+=r/1e9;}fclose(x);}closedir(dd);return tot;}
static double srv_sched(void){double s=0;for(int i=0;i<npid;i++)s+=sched_of(pids[i]);return s;}

#ifdef TLS
static ssize_t tls_result(conn*c,int n){if(n>0)return n;int e=SSL_get_error(c->ssl,n);ERR_clear_error();if(e==SSL_ERROR_WANT_READ||e==SSL_ERROR_WANT_WRITE){errno=EAGAIN;return -1;}errno=ECONNRESET;return 0;}
static ssize_t conn_send(conn*c,const char*b,size_t n){ssize_t w=tls_result(c,SSL_write(c->ssl,b,n));return w?w:-1;}
static ssize_t conn_recv(conn*c,char*b,size_t n){return tls_result(c,SSL_read(c->ssl,b,n));}
static void conn_open(conn*c){c->ssl=SSL_new(tls);SSL_set_fd(c->ssl,c->fd);SSL_set_connect_state(c->ssl);}
static void conn_close(conn*c){if(c->fd>=0){SSL_free(c->ssl);close(c->fd);c->fd=-1;}}
static const int whole_reads=0; /* a read gives one record, and more may wait */
#else
static ssize_t conn_send(conn*c,const char*b,size_t n){return send(c->fd,b,n,MSG_NOSIGNAL);}
static ssize_t conn_recv(conn*c,char*b,size_t n){return recv(c->fd,b,n,0);}
static void conn_open(conn*c){(void)c;}
static void conn_close(conn*c){if(c->fd>=0){close(c->fd);c->fd=-1;}}
static const int whole_reads=1;
#endif
static void ep_mod(conn*c,uint32_t ev,int op){struct epoll_event e;e.events=ev;e.data.ptr=c;epoll_ctl(ep,op,c->fd,&e);}
static int want_more(void){return !stopping && (R==0||started<R);}
static void resp_reset(conn*c){c->hlen=0;c->cst=C_SIZE;c->chunked=c->hasclen=c->status=c->connclose=0;c->clen=c->got=0;c->crem=0;c->clinelen=0;c->trail_len=0;c->frames=0;c->lastc=0;c->tl=0;c->tfirst=c->tlast=0;c->isdone=0;c->wbl=0;}
static char wsfr[1<<16]; static size_t wsfl;
static void build_wsframe(void){size_t o=0;wsfr[o++]=0x81;if(blen<126)wsfr[o++]=0x80|blen;else{wsfr[o++]=0x80|126;wsfr[o++]=blen>>8;wsfr[o++]=blen&255;}unsigned char m[4]={1,2,3,4};memcpy(wsfr+o,m,4);o+=4;for(size_t i=0;i<blen;i++)wsfr[o++]=body[i]^m[i&3];wsfl=o;}
static void do_connect(conn*c){
  c->fd=socket(AF_INET,SOCK_STREAM|SOCK_NONBLOCK,0); if(c->fd<0){perror("socket");exit(1);}
  int one=1;setsockopt(c->fd,IPPROTO_TCP,TCP_NODELAY,&one,sizeof one);
  struct sockaddr_in a={0};a.sin_family=AF_INET;a.sin_port=htons(port);
  a.sin_addr.s_addr=naddr>1?htonl(0x7f000001+c->addr):inet_addr(host);
  nconnects++;c->reuse=0;
  int r=connect(c->fd,(void*)&a,sizeof a);
  conn_open(c);
  if(r<0&&errno!=EINPROGRESS){c->st=S_DEAD;conn_close(c);f_conn++;fail++;return;}
  c->st=S_CONN;ep_mod(c,EPOLLOUT,EPOLL_CTL_ADD);
}
static void send_all(conn*c,const char*b,size_t n){size_t o=0;while(o<n){ssize_t w=conn_send(c,b+o,n-o);if(w<0){if(errno==EAGAIN){usleep(50);continue;}return;}o+=w;}}
static void send_req(conn*c){resp_reset(c);c->t0=now_ns();started++;inflight++;
  if(ws){send_all(c,wsfr,wsfl);c->st=S_WS;c->wst=0;c->whl=0;c->whneed=2;}
  else{if(number){char d[9];snprintf(d,9,"%08ld",started%100000000);memcpy(number,d,8);}send_all(c,req,rlen);c->st=S_HDR;}}
static void next_req(conn*c);
static void start_conn(conn*c){ if(!want_more()){c->st=S_DEAD;return;} c->t0=now_ns(); do_connect(c);}
static void finish(conn*c,int ok,long*why){
  inflight--; if(ok){done_ok++;u64 t=now_ns();hadd(h_dur,&n_dur,(t-c->t0)/1e3);
    if(gapms>0&&c->frames>2){sum_drift+=((double)(c->tlast-c->tfirst)/1e6-gapms*(c->frames-1-lead-tail));n_drift++;}}
  else{fail++;if(why)(*why)++;}
}
static void next_req(conn*c){
  if(!want_more()){conn_close(c);c->st=S_DEAD;return;}
  if((keep&&!c->connclose&&c->fd>=0)){c->reuse=1;send_req(c);}
  else{conn_close(c);start_conn(c);}
}
static inline void frame_seen(conn*c,u64 t){
  frames++;c->frames++;
  if(c->frames==1){c->tfirst=t;hadd(h_ttfb,&n_ttfb,(t-c->t0)/1e3);if(hold)heldn++;}
  else{double g=(t-c->tlast)/1e3;sum_gap+=g;n_gap++;
    if(gapms>0){
      /* frame f says token k: `lead` frames go with the first token, `tail` frames with the last */
      int k=c->frames-lead,last=expect?expect-lead-tail:1<<30;
      if(k>1&&k<=last){double e=g-gapms*1000;if(e<0)e=-e;if(e>max_err)max_err=e;hadd(h_err,&n_err,e);}
      if(k<1)k=1;if(k>last)k=last;
      double l=(double)(t-c->tfirst)/1e3-gapms*1000*(k-1);if(l<0)l=-l;hadd(h_late,&n_late,l);}}
  c->tlast=t;
}
static void body_bytes(conn*c,const char*p,size_t n,u64 t){
  if(!n)return;
  c->got+=n;
  const char*e=p+n,*q=p;
  if(c->lastc=='\n'&&*q=='\n'){frame_seen(c,t);c->lastc=0;q++; if(q>=e){goto tail;} }
  while(q<e){q=memchr(q,'\n',e-q);if(!q)break;if(q+1<e){if(q[1]=='\n'){frame_seen(c,t);q+=2;if(q>=e){c->lastc=0;goto tail;}}else q+=1;}else{break;}}
  c->lastc=(q&&q+1==e)?'\n':(e[-1]=='\n'?0:e[-1]);
tail:
  if(n>=16){memcpy(c->tail,e-16,16);c->tl=16;}
  else{int k=c->tl;if(k+(int)n>16){int d=k+n-16;memmove(c->tail,c->tail+d,k-d);k-=d;}memcpy(c->tail+k,p,n);c->tl=k+n;}
}
static int sse_ok(conn*c,long**why){
  if(c->status!=200){*why=&f_status;return 0;}
  if(expect&&c->frames!=expect){*why=&f_frames;return 0;}
  if(*donestr&&(c->tl<8||!memmem(c->tail,c->tl,"[DONE]",6))){*why=&f_frames;return 0;}
  return 1;}
static void resp_done(conn*c){long*why=NULL;int ok=sse_ok(c,&why);finish(c,ok,why);next_req(c);}
static int parse_hdr(conn*c){ /* hdr is NUL-terminated up to \r\n\r\n */
  if(sscanf(c->hdr,"HTTP/1.%*d %d",&c->status)!=1)return -1;
  char*l=strstr(c->hdr,"\r\n");
  while(l&&l[2]){l+=2;
    if(!strncasecmp(l,"transfer-encoding:",18)&&strcasestr(l,"chunked")&&strcasestr(l,"chunked")<strstr(l,"\r\n"))c->chunked=1;
    else if(!strncasecmp(l,"content-length:",15)){c->hasclen=1;c->clen=atol(l+15);}
    else if(!strncasecmp(l,"connection:",11)){char*x=strcasestr(l,"close");char*nl=strstr(l,"\r\n");if(x&&(!nl||x<nl))c->connclose=1;}
    l=strstr(l,"\r\n");}
  return 0;}
static void feed(conn*c,const char*p,size_t n,u64 t){
  while(n>0){
    if(c->st==S_HDR||c->st==S_WSHS){
      size_t take=n;if(c->hlen+take>4095)take=4095-c->hlen;
      int old=c->hlen;memcpy(c->hdr+c->hlen,p,take);c->hlen+=take;c->hdr[c->hlen]=0;
      int from=old>3?old-3:0;char*e=strstr(c->hdr+from,"\r\n\r\n");
      if(!e){if(c->hlen>=4095){finish(c,0,&f_proto);conn_close(c);c->st=S_DEAD;}return;}
      int hl=e-c->hdr+4;int used=hl-old;p+=used;n-=used;c->hdr[hl-2]=0;
      if(parse_hdr(c)<0){finish(c,0,&f_proto);conn_close(c);c->st=S_DEAD;return;}
      if(c->st==S_WSHS){inflight--;started--; if(c->status!=101){fail++;f_status++;conn_close(c);c->st=S_DEAD;return;} send_req(c);continue;}
      c->st=S_BODY;
      if(c->hasclen&&c->clen==0){resp_done(c);return;}
      continue;
    }
    if(c->st==S_BODY){
      if(c->chunked){
        switch(c->cst){
          case C_SIZE:{while(n>0){char ch=*p++;n--;if(ch=='\n'){c->cline[c->clinelen]=0;c->crem=strtol(c->cline,NULL,16);c->clinelen=0;if(c->crem==0){c->cst=C_TRAIL;c->trail_len=0;}else c->cst=C_DATA;break;}if(c->clinelen<20&&ch!='\r')c->cline[c->clinelen++]=ch;}break;}
          case C_DATA:{size_t k=n<(size_t)c->crem?n:(size_t)c->crem;body_bytes(c,p,k,t);p+=k;n-=k;c->crem-=k;if(!c->crem){c->cst=C_CRLF;c->clinelen=0;}break;}
          case C_CRLF:{while(n>0){char ch=*p++;n--;if(ch=='\n'){c->cst=C_SIZE;c->clinelen=0;break;}}break;}
          case C_TRAIL:{int fin=0;while(n>0){char ch=*p++;n--;if(ch=='\n'){if(c->trail_len==0){fin=1;break;}c->trail_len=0;}else if(ch!='\r')c->trail_len++;}
             if(fin){resp_done(c);return;}break;}
        }
      }else{body_bytes(c,p,n,t);n=0;if(c->hasclen&&c->got>=c->clen){resp_done(c);return;}}
      continue;
    }
    if(c->st==S_WS){
      if(c->wst==0){
        while(n>0&&c->whl<c->whneed){c->wh[c->whl++]=*p++;n--;if(c->whl==2){int l=c->wh[1]&127;c->whneed=2+(l==126?2:l==127?8:0);}}
        if(c->whl<c->whneed)return;
        int l=c->wh[1]&127;u64 L=l;if(l==126)L=c->wh[2]<<8|c->wh[3];else if(l==127){L=0;for(int i=0;i<8;i++)L=L<<8|c->wh[2+i];}
        c->wrem=L;c->wop=c->wh[0]&15;c->wfin=c->wh[0]>>7;c->wbl=0;c->wst=1;
      }
      size_t k=n<c->wrem?n:c->wrem; 
      {int room=511-c->wbl;int kk=(int)k<room?(int)k:room;memcpy(c->wbuf+c->wbl,p,kk);c->wbl+=kk;}
      p+=k;n-=k;c->wrem-=k;
      if(c->wrem==0){
        c->wst=0;c->whl=0;c->whneed=2;
        if(c->wop==8){finish(c,0,&f_eof);conn_close(c);c->st=S_DEAD;return;}
        if(c->wop<=2&&c->wfin){frame_seen(c,t);
          if(memmem(c->wbuf,c->wbl,donestr,strlen(donestr))){int ok=!expect||c->frames==expect;finish(c,ok,&f_frames);next_req(c);if(c->st!=S_WS)return;continue;}}
      }
      continue;
    }
    return;
  }
}
static char buf[1<<18];
int main(int ac,char**av){
  int o;while((o=getopt(ac,av,"p:h:H:c:r:t:k:u:b:m:g:e:d:P:s:x:w:L:T:n:"))!=-1)switch(o){
    case'p':port=atoi(optarg);break;case'h':host=optarg;break;case'H':naddr=atoi(optarg);break;case'c':N=atoi(optarg);break;case'r':R=atol(optarg);break;
    case't':T=atof(optarg);break;case'k':keep=atoi(optarg);break;case'u':path=optarg;break;case'b':bodyf=optarg;break;case'm':mode=optarg;break;
    case'g':gapms=atof(optarg);break;case'e':expect=atoi(optarg);break;case'd':donestr=optarg;break;case's':stagger=atof(optarg);break;case'x':xh=optarg;break;case'w':warm=atof(optarg);break;case'L':lead=atoi(optarg);break;case'T':tail=atoi(optarg);break;case'n':placeholder=optarg;break;
    case'P':{char*s=strdup(optarg),*q;for(q=strtok(s,",");q;q=strtok(NULL,","))if(npid<32)pids[npid++]=atoi(q);break;}
    default:return 2;}
  signal(SIGPIPE,SIG_IGN);
  ws=!strncmp(mode,"ws",2);hold=strstr(mode,"hold")!=NULL;
  if(bodyf){FILE*f=fopen(bodyf,"r");if(!f){perror(bodyf);return 2;}fseek(f,0,SEEK_END);blen=ftell(f);rewind(f);body=malloc(blen+1);if(fread(body,1,blen,f)!=blen)return 2;body[blen]=0;fclose(f);}
  else{body="{\"model\":\"gpt-4o-mini\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";blen=strlen(body);}
  req=malloc(blen+2048);
  if(ws)rlen=sprintf(req,"GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer sk-test\r\n%s%s\r\n",path,host,port,xh,*xh?"\r\n":"");
  else{rlen=sprintf(req,"POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nAuthorization: Bearer sk-test\r\n%s%s%sContent-Length: %zu\r\n\r\n",path,host,port,keep?"":"Connection: close\r\n",xh,*xh?"\r\n":"",blen);memcpy(req+rlen,body,blen);rlen+=blen;}
  if(ws)build_wsframe();
  if(placeholder&&!(number=memmem(req,rlen,placeholder,8)))return fprintf(stderr,"the body does not hold %s\n",placeholder),2;
#ifdef TLS
  tls=SSL_CTX_new(TLS_client_method()); /* the server is our own: its certificate is not checked */
  SSL_CTX_set_mode(tls,SSL_MODE_ENABLE_PARTIAL_WRITE|SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
#endif
  h_ttfb=calloc(NB,4);h_err=calloc(NB,4);h_late=calloc(NB,4);h_dur=calloc(NB,4);
  ep=epoll_create1(0);C=calloc(N,sizeof(conn));
  u64 tb=now_ns();
  double cpu0=srv_cpu(),sc0=srv_sched();
  int opened=0; u64 tstart=tb,tend=0; u64 lastprog=tb; int held_reported=0; u64 t_held=0;
  int warmed=warm<=0;
  struct epoll_event ev[1024];
  struct rusage r0;getrusage(RUSAGE_SELF,&r0);
  long openlimit=hold?256:1<<30; long conn_pending=0;(void)conn_pending;
  for(;;){
    u64 t=now_ns();double el=(t-tstart)/1e9;
    if(!warmed&&el>=warm){warmed=1;tstart=t;cpu0=srv_cpu();sc0=srv_sched();getrusage(RUSAGE_SELF,&r0);done_ok=fail=0;f_conn=f_status=f_frames=f_eof=f_proto=0;frames=bytes=reads=0;nconnects=0;n_ttfb=n_err=n_late=n_dur=n_gap=n_drift=0;sum_gap=sum_drift=max_err=0;memset(h_ttfb,0,NB*4);memset(h_err,0,NB*4);memset(h_late,0,NB*4);memset(h_dur,0,NB*4);el=0;}
    /* open connections: all at once, staggered, or (hold) in windows of openlimit not yet answered */
    while(opened<N&&!stopping){
      if(stagger>0&&(t-tb)/1e6<stagger*opened)break;
      if(hold&&opened-heldn-fail>=openlimit)break;
      conn*c=&C[opened];c->fd=-1;c->addr=opened%naddr;opened++;start_conn(c);
      if(c->st==S_CONN)c->st=S_CONN;
    }
    if(hold){
      if(!held_reported&&heldn+fail>=N){held_reported=1;t_held=now_ns();printf("{\"held\":%d,\"fail\":%ld,\"open_s\":%.3f}\n",heldn,fail,(t_held-tb)/1e9);fflush(stdout);}
      if(held_reported&&(t-t_held)/1e9>=T)break;
      if(!held_reported&&(t-tb)/1e9>60)break;
    }else{
      if(T>0&&warmed&&el>=T&&!stopping){stopping=1;tend=t;break;}
      if(R>0&&done_ok+fail>=R){tend=now_ns();break;}
      if((t-lastprog)/1e9>15){tend=t;break;}
    }
    int n=epoll_wait(ep,ev,1024,stagger>0&&opened<N?1:20);
    for(int i=0;i<n;i++){conn*c=ev[i].data.ptr;if(c->fd<0)continue;
      if(c->st==S_CONN){
        int err=0;socklen_t l=sizeof err;getsockopt(c->fd,SOL_SOCKET,SO_ERROR,&err,&l);
        if(err){fail++;f_conn++;conn_close(c);c->st=S_DEAD;if(f_conn<1000000&&want_more()&&!hold){start_conn(c);}continue;}
        if(!(ev[i].events&EPOLLOUT))continue;
        ep_mod(c,EPOLLIN,EPOLL_CTL_MOD);
        if(ws){resp_reset(c);started++;inflight++;send_all(c,req,rlen);c->st=S_WSHS;}
        else{send_req(c);}
        continue;}
      if(ev[i].events&(EPOLLIN|EPOLLHUP|EPOLLERR)){
        int curfd=c->fd;
        for(;;){
          ssize_t k=conn_recv(c,buf,sizeof buf);
          if(k>0){u64 tt=now_ns();lastprog=tt;reads++;bytes+=k;feed(c,buf,k,tt);if(c->fd!=curfd||c->st==S_CONN)break;if(whole_reads&&(size_t)k<sizeof buf)break; }
          else if(k==0||(errno!=EAGAIN&&errno!=EINTR)){
            /* EOF */
            if(c->st==S_BODY&&!c->chunked&&!c->hasclen){c->connclose=1;resp_done(c);}
            else if(c->st==S_HDR&&c->reuse&&c->hlen==0&&!stopping){started--;inflight--;conn_close(c);start_conn(c);} /* server closed idle keep-alive: retry */
            else if(c->st==S_DEAD||c->st==S_IDLE){conn_close(c);}
            else{finish(c,0,&f_eof);conn_close(c);if(!hold)start_conn(c);else c->st=S_DEAD;}
            break;}
          else break;
        }}
    }
  }
  if(!tend)tend=now_ns();
  double el=(tend-tstart)/1e9;double scpu=srv_cpu()-cpu0,ssc=srv_sched()-sc0;struct rusage r1;getrusage(RUSAGE_SELF,&r1);
  double own=(r1.ru_utime.tv_sec-r0.ru_utime.tv_sec)+(r1.ru_stime.tv_sec-r0.ru_stime.tv_sec)+((r1.ru_utime.tv_usec-r0.ru_utime.tv_usec)+(r1.ru_stime.tv_usec-r0.ru_stime.tv_usec))/1e6;
  if(ssc>0.8*scpu)scpu=ssc;
  printf("{\"mode\":\"%s\",\"conns\":%d,\"seconds\":%.3f,\"ok\":%ld,\"fail\":%ld,\"fail_conn\":%ld,\"fail_status\":%ld,\"fail_frames\":%ld,\"fail_eof\":%ld,\"fail_proto\":%ld,\"connects\":%ld,"
   "\"rps\":%.1f,\"fps\":%.1f,\"Bps\":%.0f,\"frames\":%llu,\"reads\":%llu,\"ttfb_p50\":%.3f,\"ttfb_p99\":%.3f,\"dur_p50\":%.3f,\"dur_p99\":%.3f,\"gap_mean\":%.4f,",
   mode,N,el,done_ok,fail,f_conn,f_status,f_frames,f_eof,f_proto,nconnects,done_ok/el,frames/el,bytes/el,(unsigned long long)frames,(unsigned long long)reads,
   hq(h_ttfb,n_ttfb,.5),hq(h_ttfb,n_ttfb,.99),hq(h_dur,n_dur,.5),hq(h_dur,n_dur,.99),n_gap?sum_gap/n_gap/1e3:-1.0);
  if(gapms>0)printf("\"gaperr_p50\":%.3f,\"gaperr_p99\":%.3f,\"gaperr_p999\":%.3f,\"gaperr_max\":%.3f,\"late_p50\":%.3f,\"late_p99\":%.3f,\"drift_mean\":%.3f,",hq(h_err,n_err,.5),hq(h_err,n_err,.99),hq(h_err,n_err,.999),max_err/1e3,hq(h_late,n_late,.5),hq(h_late,n_late,.99),n_drift?sum_drift/n_drift:-1.0);
  printf("\"srv_cpu\":%.3f,\"own_cpu\":%.3f,\"fps_per_cpu\":%.0f,\"rps_per_cpu\":%.1f}\n",scpu,own,scpu>0?frames/scpu:-1.0,scpu>0?done_ok/scpu:-1.0);
  return 0;}
